//! Resources of one kind, each with the time from which reads show it.
//!
//! That is rule 34: AWS has the resource as soon as the create answers, and so finds conflicts with it at once, while
//! describes and calls that name it may miss it for a while. The other way round, a describe may show for a while what
//! was deleted, a ghost: nothing else finds it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::shared::Shared;

/// Resources by id.
#[derive(Debug, Clone)]
pub(crate) struct Shelf<T> {
    kept: Shared<BTreeMap<String, Kept<T>>>,
    ghosts: Shared<BTreeMap<String, Ghost<T>>>,
}

#[derive(Debug, Clone)]
struct Kept<T> {
    visible_from: Timestamp,
    item: T,
}

/// A deleted resource that describes still show.
#[derive(Debug, Clone)]
struct Ghost<T> {
    kept: Kept<T>,
    gone_from: Timestamp,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            kept: Shared::new(BTreeMap::new()),
            ghosts: Shared::new(BTreeMap::new()),
        }
    }
}

impl<T> Kept<T> {
    fn at(&self, now: Timestamp) -> Option<&T> {
        (self.visible_from <= now).then_some(&self.item)
    }
}

impl<T> Ghost<T> {
    fn at(&self, now: Timestamp) -> Option<&T> {
        self.kept.at(now).filter(|_| now < self.gone_from)
    }
}

impl<T: Clone> Shelf<T> {
    /// Puts a resource in; reads show it from then on.
    pub(crate) fn insert(&mut self, id: &str, visible_from: Timestamp, item: T) {
        self.kept.insert(id.to_owned(), Kept { visible_from, item });
    }

    /// Puts a resource in, over an earlier one, which keeps the time from which reads show it.
    pub(crate) fn put(&mut self, id: &str, visible_from: Timestamp, item: T) {
        match self.get_mut(id) {
            Some(first) => *first = item,
            None => self.insert(id, visible_from, item),
        }
    }

    /// A resource that a call names, if it is in sight at this time.
    pub(crate) fn seen(&self, id: &str, now: Timestamp) -> Option<&T> {
        self.kept.get(id)?.at(now)
    }

    /// A resource that a read names, if it is in sight at this time: ghosts are.
    pub(crate) fn shown(&self, id: &str, now: Timestamp) -> Option<&T> {
        let ghost = || self.ghosts.get(id)?.at(now);
        self.seen(id, now).or_else(ghost)
    }

    /// A resource to change, if it is in sight at this time.
    pub(crate) fn seen_mut(&mut self, id: &str, now: Timestamp) -> Option<&mut T> {
        let kept = self.kept.get_mut(id)?;
        (kept.visible_from <= now).then_some(&mut kept.item)
    }

    /// What a read at this time shows, in the order of ids; ghosts last.
    pub(crate) fn visible(&self, now: Timestamp) -> impl Iterator<Item = &T> {
        let ghosts = self.ghosts.values();
        let kept = self.kept.values().filter_map(move |kept| kept.at(now));
        kept.chain(ghosts.filter_map(move |ghost| ghost.at(now)))
    }

    /// A resource, visible or not.
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.kept.get(id).map(|kept| &kept.item)
    }

    /// A resource to change, visible or not.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.kept.get_mut(id).map(|kept| &mut kept.item)
    }

    /// All resources, visible or not, in the order of ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.kept.values().map(|kept| &kept.item)
    }

    /// All resources to change, visible or not, in the order of ids.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.kept.values_mut().map(|kept| &mut kept.item)
    }

    /// Takes a resource out.
    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        self.kept.remove(id).map(|kept| kept.item)
    }

    /// Takes a resource out, and leaves its ghost until it is gone for reads too. `false` if there is none.
    pub(crate) fn bury(&mut self, id: &str, now: Timestamp, gone_from: Timestamp) -> bool {
        let Some(kept) = self.kept.remove(id) else {
            return false;
        };
        if now < gone_from {
            self.ghosts.insert(id.to_owned(), Ghost { kept, gone_from });
        }
        true
    }

    /// How many there are, visible or not.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}
