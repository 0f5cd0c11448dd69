//! Tells the CRM how a contract stands: its record, a note for every state, and the signed file.
//!
//! Every id is derived from the contract, so that a repeat after a crash writes the same things once more. What has
//! no place any more, because somebody deleted it in the CRM, is left out and counts as told. It is written down only
//! afterwards, and never more than was told.

use std::slice::from_ref;

use tracing::{info, warn};

use super::{change, follow_up};
use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::contract::note::{Note, file_name};
use crate::domain::contract::record::Places;
use crate::domain::contract::{Contract, Owed, SignedFile, Told};
use crate::domain::id::{ContractId, CrmId, WorkspaceId};
use crate::domain::schema::Object;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::twenty::{NewNote, Place, Tie, TwentyError, UploadedFile};
use crate::usecase::crm::{Crm, Refused};
use crate::usecase::schema::{contract_schema_is_ready, forget_contract_schema};

/// Calls that telling usually takes: the record, notes and their ties, and one more for what is there already.
const USUAL_CALLS: u32 = 4;

/// Tells the CRM what it does not know yet. Whop need not be connected.
pub async fn tell_crm(app: &App, workspace: WorkspaceId, id: &ContractId, deadline: Timestamp) -> Result<()> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    if !contract.owed().contains(&Owed::Tell) {
        return Ok(());
    }
    let Some(crm) = Crm::open(app, workspace, Urgency::Contracts, deadline).await? else {
        info!(event = "contract.untold", contract.id = %id, "there is no CRM to tell of a contract");
        return Ok(());
    };
    let (places, told) = (contract.places(), contract.told.clone());
    let mut telling = Telling { crm, contract, places, looked: false, told };
    let result = telling.tell().await;
    let kept = remember(app, &telling.contract, &telling.told).await?;
    telling.crm.settle().await?;
    result?;
    match kept {
        Some(kept) if kept.owed().iter().any(|it| *it != Owed::Tell) => follow_up(app, &kept).await,
        _ => Ok(()),
    }
}

/// One telling.
struct Telling<'a> {
    crm: Crm<'a>,
    /// As it was when it was read: what came later is told by the next message.
    contract: Contract,
    /// Where it is told.
    places: Places,
    /// True once it is known that [`Self::places`] are there.
    looked: bool,
    /// What was told so far.
    told: Told,
}

impl Telling<'_> {
    async fn tell(&mut self) -> Result<()> {
        self.crm.expect_calls(USUAL_CALLS).await;
        if self.told.shown.as_ref() != Some(&self.contract.shown()) {
            self.put_record().await?;
        }
        self.put_notes().await?;
        self.put_file().await?;
        info!(event = "contract.told", contract.id = %self.contract.id, "the CRM was told of a contract");
        Ok(())
    }

    /// The record. Where there is no room for our object, that stays owed, and is tried again by the schedule.
    async fn put_record(&mut self) -> Result<()> {
        if !contract_schema_is_ready(&self.crm).await? {
            self.untold("record", "its object cannot be made in Twenty");
            return Ok(());
        }
        let is_left = match self.told.record {
            Some(record) => !self.is_there(Object::Contract, record).await?,
            None => false,
        };
        if is_left {
            self.untold("record", "somebody deleted it");
        } else if let Some(record) = self.upsert().await? {
            self.told.record = Some(record);
        }
        self.told.shown = Some(self.contract.shown());
        Ok(())
    }

    /// The record's id; nothing if Twenty does not take it.
    async fn upsert(&mut self) -> Result<Option<CrmId>> {
        loop {
            let change = self.contract.record(self.places);
            let (twenty, at) = self.crm.twenty().await?;
            let answered = twenty.upsert(at, Object::Contract, from_ref(&change)).await;
            let written = answered.and_then(|them| {
                let missing = TwentyError::Unexpected { what: "no answer for a contract".to_owned() };
                them.into_iter().next().map_or(Err(missing), |it| it.id)
            });
            let error = match written {
                Ok(id) => return Ok(Some(id)),
                Err(error) => error,
            };
            if self.gives_up("record", error).await? {
                return Ok(None);
            }
        }
    }

    async fn put_notes(&mut self) -> Result<()> {
        let notes = self.contract.due_notes();
        if notes.is_empty() || !self.has_place() {
            return Ok(());
        }
        if self.write_notes(&notes).await? {
            self.tie_notes(&notes).await?;
        }
        self.told.noted.extend(notes.iter().map(|note| note.state));
        Ok(())
    }

    /// False if Twenty does not take them.
    async fn write_notes(&mut self, notes: &[Note]) -> Result<bool> {
        let new: Vec<NewNote<'_>> = notes
            .iter()
            .map(|note| NewNote { id: self.note_id(note), title: &note.title, text: &note.text })
            .collect();
        loop {
            let (twenty, at) = self.crm.twenty().await?;
            let Err(error) = twenty.put_notes(at, &new).await else {
                return Ok(true);
            };
            if self.gives_up("notes", error).await? {
                return Ok(false);
            }
        }
    }

    async fn tie_notes(&mut self, notes: &[Note]) -> Result<()> {
        loop {
            let ties: Vec<Tie> = notes.iter().flat_map(|note| self.ties(note)).collect();
            if ties.is_empty() {
                return Ok(());
            }
            let (twenty, at) = self.crm.twenty().await?;
            let Err(error) = twenty.tie_notes(at, &ties).await else {
                return Ok(());
            };
            if self.gives_up("notes", error).await? {
                return Ok(());
            }
        }
    }

    fn note_id(&self, note: &Note) -> CrmId {
        self.derived("contractNote", &format!("/{}", note.state.as_str()))
    }

    fn ties(&self, note: &Note) -> Vec<Tie> {
        let id = |to: &str| self.derived("contractNoteTarget", &format!("/{}/{to}", note.state.as_str()));
        let person = self.places.person.map(|it| (id("person"), Place::Person(it)));
        let opportunity = self.places.opportunity.map(|it| (id("opportunity"), Place::Opportunity(it)));
        let tie = |(id, place)| Tie { id, note: self.note_id(note), place };
        [person, opportunity].into_iter().flatten().map(tie).collect()
    }

    /// The signed file: with the person, or with the opportunity where there is none.
    async fn put_file(&mut self) -> Result<()> {
        let Some(file) = self.contract.signed_file.clone() else { return Ok(()) };
        if self.told.attachment.is_some() || !self.has_place() {
            return Ok(());
        }
        let id = self.derived("contractFile", "");
        if !self.has_attachment(id).await? {
            self.attach(id, &file).await?;
        }
        self.told.attachment = Some(id);
        Ok(())
    }

    /// An upload that hangs nowhere is Twenty's to clear away: a repeat makes another one.
    async fn attach(&mut self, id: CrmId, file: &SignedFile) -> Result<()> {
        let Some(uploaded) = self.upload(file).await? else { return Ok(()) };
        loop {
            let person = self.places.person.map(Place::Person);
            let Some(place) = person.or(self.places.opportunity.map(Place::Opportunity)) else {
                self.untold("file", "person and opportunity are gone");
                return Ok(());
            };
            let (twenty, at) = self.crm.twenty().await?;
            let Err(error) = twenty.attach(at, id, &uploaded, place).await else {
                return Ok(());
            };
            if self.gives_up("file", error).await? {
                return Ok(());
            }
        }
    }

    /// Nothing if Twenty does not take it.
    async fn upload(&mut self, file: &SignedFile) -> Result<Option<UploadedFile>> {
        let app = self.crm.app;
        let bytes = app.files()?.get(&file.key, &file.sha256, app.clock().now()).await?;
        let name = file_name(&self.contract.title);
        loop {
            let (twenty, at) = self.crm.twenty_free();
            let error = match twenty.upload(at, &name, bytes.clone()).await {
                Ok(uploaded) => return Ok(Some(uploaded)),
                Err(error) => error,
            };
            if self.gives_up("file", error).await? {
                return Ok(None);
            }
        }
    }

    async fn has_attachment(&self, id: CrmId) -> Result<bool> {
        loop {
            let (twenty, at) = self.crm.twenty().await?;
            match twenty.has_attachment(at, id).await {
                Ok(there) => return Ok(there),
                Err(error) => self.again(error).await?,
            }
        }
    }

    async fn is_there(&self, object: Object, id: CrmId) -> Result<bool> {
        loop {
            let (twenty, at) = self.crm.twenty().await?;
            match twenty.is_there(at, object, id).await {
                Ok(there) => return Ok(there),
                Err(error) => self.again(error).await?,
            }
        }
    }

    /// Fine if the call may be made again.
    async fn again(&self, error: TwentyError) -> Result<()> {
        match self.crm.refused(error).await? {
            Refused::Again => Ok(()),
            Refused::Batch(reason) => Err(Error::new(Kind::Rejected).because(reason)),
            Refused::Drifted => Err(self.drifted().await),
        }
    }

    /// True if Twenty will never take it. False if the call is to be made again, perhaps for fewer places: a refusal
    /// may mean that one of them is gone.
    async fn gives_up(&mut self, what: &str, error: TwentyError) -> Result<bool> {
        match self.crm.refused(error).await? {
            Refused::Again => Ok(false),
            Refused::Batch(reason) => {
                let before = self.places;
                self.look().await?;
                let same = self.places == before;
                if same {
                    self.untold(what, &reason);
                }
                Ok(same)
            }
            Refused::Drifted => Err(self.drifted().await),
        }
    }

    /// Looks which places are there, once.
    async fn look(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.looked, true) {
            return Ok(());
        }
        if let Some(person) = self.places.person
            && !self.is_there(Object::Person, person).await?
        {
            self.untold("person", "somebody deleted them");
            self.places.person = None;
        }
        if let Some(opportunity) = self.places.opportunity
            && !self.is_there(Object::Opportunity, opportunity).await?
        {
            self.untold("opportunity", "somebody deleted it");
            self.places.opportunity = None;
        }
        Ok(())
    }

    async fn drifted(&self) -> Error {
        match forget_contract_schema(&self.crm).await {
            Ok(()) => {
                Error::new(Kind::Unavailable).saying("Our fields in Twenty changed. They are being mended.")
            }
            Err(error) => error,
        }
    }

    /// True if the contract is about somebody or something; whether that is still there is another question.
    fn has_place(&self) -> bool {
        self.contract.person.is_some() || self.contract.opportunity.is_some()
    }

    fn untold(&self, what: &str, why: &str) {
        let id = &self.contract.id;
        warn!(event = "contract.untold", contract.id = %id, part = what, "a part of a contract is not told: {why}");
    }

    fn derived(&self, object: &str, part: &str) -> CrmId {
        let id = &self.contract.id;
        CrmId::derived(self.contract.workspace, object, &format!("{id}{part}"))
    }
}

/// Writes down what was told, over whatever the contract is by now.
async fn remember(app: &App, contract: &Contract, told: &Told) -> Result<Option<Contract>> {
    let to = |it: &Contract| {
        let next = Contract { told: told.clone(), ..it.clone() };
        (next.told != it.told).then_some(next)
    };
    change(app, contract.workspace, &contract.id, to).await
}

#[cfg(test)]
mod tests;
