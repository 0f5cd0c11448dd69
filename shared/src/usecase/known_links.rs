//! The links that a job has read or written, so that it reads each once, however many records point at it.
//!
//! It may be behind what another worker wrote meanwhile, and decides nothing by that: a link moves by one
//! conditional write, and one that was overtaken is forgotten here and read again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::id::WorkspaceId;
use crate::domain::link::Link;
use crate::domain::source::RecordRef;
use crate::error::Result;
use crate::store::Store;

/// What one job knows of the links of one workspace; nothing stands for a record that has none.
#[derive(Default)]
pub(crate) struct KnownLinks(Mutex<HashMap<RecordRef, Option<Link>>>);

impl KnownLinks {
    /// The links of these records; records without one are left out.
    pub(crate) async fn of(
        &self,
        store: &Store,
        workspace: WorkspaceId,
        names: &[RecordRef],
    ) -> Result<HashMap<RecordRef, Link>> {
        let unknown = self.with(|known| {
            names.iter().filter(|name| !known.contains_key(name)).cloned().collect::<Vec<RecordRef>>()
        });
        if !unknown.is_empty() {
            let mut read = store.links(workspace, &unknown).await?;
            let asked = unknown.into_iter().map(|name| (read.remove(&name), name));
            let asked: Vec<_> = asked.map(|(link, name)| (name, link)).collect();
            self.with(|known| known.extend(asked));
        }
        Ok(self.with(|known| {
            let links = names.iter().filter_map(|name| Some((name.clone(), known.get(name)?.clone()?)));
            links.collect()
        }))
    }

    /// Keeps links; each tells whether it is there now.
    pub(crate) async fn put(
        &self,
        store: &Store,
        workspace: WorkspaceId,
        links: Vec<Link>,
    ) -> Result<Vec<(RecordRef, bool)>> {
        // Whatever happens on the way, what was known of these is not certain any more.
        self.with(|known| links.iter().for_each(|link| drop(known.remove(&link.name))));
        let kept = store.put_links(workspace, links.clone()).await?;
        let there = links.into_iter().zip(&kept).filter(|(_, (_, is_there))| *is_there);
        self.with(|known| known.extend(there.map(|(link, _)| (link.name.clone(), Some(link)))));
        Ok(kept)
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<RecordRef, Option<Link>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
