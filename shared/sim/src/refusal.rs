//! What a service answers instead of doing as asked, before it is known which call it belongs to.

use windlass_calls::CallError;

/// An answer of a service.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// AWS's error code, its words and the HTTP status.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
    status: u16,
}

impl Refusal {
    /// The error of one call, sorted as the real adapter sorts it.
    pub(crate) fn of(&self, action: &'static str) -> CallError {
        CallError::answered(action, self.code, &self.message, self.status)
    }

    /// AWS's words.
    pub(crate) fn words(&self) -> &str {
        &self.message
    }

    /// The same refusal with another HTTP status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// A refusal with status 400, as almost all of them are.
pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        code,
        message: message.into(),
        status: 400,
    }
}
