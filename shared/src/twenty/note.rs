//! Writing notes, and tying them to people and opportunities. The same ids bring the same notes, however often they
//! are written.

use serde_json::{Value as Json, json};

use super::{At, Twenty, TwentyError};
use crate::domain::id::CrmId;

/// A note to be written.
#[derive(Clone, Copy)]
pub(crate) struct NewNote<'a> {
    pub(crate) id: CrmId,
    pub(crate) title: &'a str,
    /// Markdown.
    pub(crate) text: &'a str,
}

/// What a note or a file hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Person(CrmId),
    Opportunity(CrmId),
}

impl Place {
    /// The column that points there, and the record.
    pub(super) fn column(self) -> (&'static str, CrmId) {
        match self {
            Self::Person(id) => ("targetPersonId", id),
            Self::Opportunity(id) => ("targetOpportunityId", id),
        }
    }
}

/// A note hangs on something.
#[derive(Clone, Copy)]
pub(crate) struct Tie {
    pub(crate) id: CrmId,
    pub(crate) note: CrmId,
    pub(crate) place: Place,
}

impl Twenty {
    /// Creates or replaces notes, sixty at most. One call.
    pub(crate) async fn put_notes(&self, at: At<'_>, notes: &[NewNote<'_>]) -> Result<(), TwentyError> {
        let notes = notes
            .iter()
            .map(|it| json!({"id": it.id, "title": it.title, "bodyV2": {"markdown": it.text}}))
            .collect();
        let _: Json = self.post_records(at, "/rest/batch/notes?upsert=true", &Json::Array(notes)).await?;
        Ok(())
    }

    /// Ties notes to people and opportunities, sixty at most. One call.
    pub(crate) async fn tie_notes(&self, at: At<'_>, ties: &[Tie]) -> Result<(), TwentyError> {
        let ties = ties.iter().map(|tie| {
            let (column, place) = tie.place.column();
            json!({"id": tie.id, "noteId": tie.note, column: place})
        });
        let ties: Json = ties.collect();
        let _: Json = self.post_records(at, "/rest/batch/noteTargets?upsert=true", &ties).await?;
        Ok(())
    }
}
