//! A stack as it is recorded: its head, and the state that this points to.

use windlass_spec::StackId;

use crate::document::{DeletionStage, Head, StateDocument};
use crate::pass::PassError;
use crate::port::Port;
use crate::store::{Store, head_key, state_key};

/// A stack as it is recorded.
pub(crate) struct Recorded {
    pub(crate) head: Head,
    pub(crate) state: StateDocument,
}

impl Recorded {
    /// Whether the stack is not being destroyed, and was not.
    pub(crate) fn stays(&self) -> bool {
        let stage = self.head.deletion.as_ref().map(|deletion| deletion.stage);
        !matches!(stage, Some(DeletionStage::Begun | DeletionStage::Ended))
    }
}

impl<P: Port> Store<'_, P> {
    /// What is recorded of a stack; `None` if nothing is.
    pub(crate) async fn recorded(&self, stack: &StackId) -> Result<Option<Recorded>, PassError> {
        let Some(head) = self.get::<Head>(&head_key(stack)).await? else {
            return Ok(None);
        };
        let key = state_key(stack, head.document.serial);
        let state = self.get::<StateDocument>(&key).await?;
        Ok(state.map(|state| Recorded {
            head: head.document,
            state: state.document,
        }))
    }
}
