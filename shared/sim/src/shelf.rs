//! Resources of one kind, each with the time from which reads show it.
//!
//! That is rule 34: AWS has the resource as soon as the create answers, and so finds conflicts with it at once, while
//! describes and calls that name it may miss it for a while.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::shared::Shared;

/// Resources by id.
#[derive(Debug, Clone)]
pub(crate) struct Shelf<T>(Shared<BTreeMap<String, Kept<T>>>);

#[derive(Debug, Clone)]
struct Kept<T> {
    visible_from: Timestamp,
    item: T,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Shared::new(BTreeMap::new()))
    }
}

impl<T: Clone> Shelf<T> {
    /// Puts a resource in; reads show it from then on.
    pub(crate) fn insert(&mut self, id: &str, visible_from: Timestamp, item: T) {
        self.0.insert(id.to_owned(), Kept { visible_from, item });
    }

    /// Puts a resource in, over an earlier one, which keeps the time from which reads show it.
    pub(crate) fn put(&mut self, id: &str, visible_from: Timestamp, item: T) {
        match self.get_mut(id) {
            Some(first) => *first = item,
            None => self.insert(id, visible_from, item),
        }
    }

    /// A resource, if a read at this time shows it.
    pub(crate) fn seen(&self, id: &str, now: Timestamp) -> Option<&T> {
        self.0
            .get(id)
            .filter(|kept| kept.visible_from <= now)
            .map(|kept| &kept.item)
    }

    /// A resource to change, if a read at this time shows it.
    pub(crate) fn seen_mut(&mut self, id: &str, now: Timestamp) -> Option<&mut T> {
        self.0
            .get_mut(id)
            .filter(|kept| kept.visible_from <= now)
            .map(|kept| &mut kept.item)
    }

    /// What a read at this time shows, in the order of ids.
    pub(crate) fn visible(&self, now: Timestamp) -> impl Iterator<Item = &T> {
        self.0
            .values()
            .filter(move |kept| kept.visible_from <= now)
            .map(|kept| &kept.item)
    }

    /// A resource, visible or not.
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.0.get(id).map(|kept| &kept.item)
    }

    /// A resource to change, visible or not.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.0.get_mut(id).map(|kept| &mut kept.item)
    }

    /// All resources, visible or not, in the order of ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(|kept| &kept.item)
    }

    /// All resources to change, visible or not, in the order of ids.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut().map(|kept| &mut kept.item)
    }

    /// Takes a resource out.
    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        self.0.remove(id).map(|kept| kept.item)
    }

    /// Keeps only the resources that pass.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.0.retain(|_, kept| keep(&kept.item));
    }

    /// How many there are, visible or not.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
