//! Client tokens: a repeat answers what the first call answered, and never makes a second resource.
//!
//! Strongly consistent, as AWS's are; they never expire here.

use std::collections::BTreeMap;

use crate::refusal::{Answer, refused};
use crate::shared::Shared;

/// The first call of each token, with its answer.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<C, T>(Shared<BTreeMap<String, (C, T)>>);

impl<C, T> Default for Tokens<C, T> {
    fn default() -> Self {
        Self(Shared::new(BTreeMap::new()))
    }
}

impl<C: PartialEq + Clone, T: Clone> Tokens<C, T> {
    /// What the first call of this token answered, if there was one.
    ///
    /// # Errors
    /// The first call had other parameters.
    pub(crate) fn replay(&self, token: &str, call: &C) -> Answer<Option<T>> {
        match self.0.get(token) {
            None => Ok(None),
            Some((first, answer)) if first == call => Ok(Some(answer.clone())),
            Some(_) => Err(refused(
                "IdempotentParameterMismatch",
                format!("The client token {token} was used with other parameters."),
            )),
        }
    }

    /// Remembers a first call.
    pub(crate) fn remember(&mut self, token: &str, call: &C, answer: &T) {
        self.0.insert(token.to_owned(), (call.clone(), answer.clone()));
    }
}
