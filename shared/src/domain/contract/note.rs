//! What the CRM is told of a change of state, in words. Signers are named by role or place, never by address; what
//! somebody wrote stands in it as plain text.

use super::{Contract, Life, Reached, Signer, SignerState, State};
use crate::domain::time::Timestamp;

/// Longest words of somebody's in a note.
const LONGEST_WORDS: usize = 500;

/// A note about one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub state: State,
    pub title: String,
    /// Markdown.
    pub text: String,
}

impl Contract {
    /// The notes that are due: of the state it is in, and before that of those it passed unseen.
    pub fn due_notes(&self) -> Vec<Note> {
        let mut states = passed(&self.life, self.signers.len());
        if self.is_noted() && !states.contains(&self.state()) {
            states.push(self.state());
        }
        states.retain(|state| !self.told.noted.contains(state));
        states.into_iter().map(|state| self.note(state)).collect()
    }

    fn note(&self, state: State) -> Note {
        let title =
            format!("Contract “{}” {}", one_line(&self.title, LONGEST_WORDS), happened(state, &self.life));
        let mut lines = vec![self.fact(state)];
        if state == self.state() {
            lines.push(self.count());
            lines.extend(
                self.signers.iter().enumerate().filter_map(|(place, it)| self.signer_line(place, it)),
            );
            lines.extend(self.end_reason().map(|reason| format!("Reason: {}", plain(&reason))));
        }
        Note { state, title, text: lines.join("\n\n") }
    }

    fn fact(&self, state: State) -> String {
        let (life, provider) = (&self.life, self.provider.label());
        let on = |at: Option<Timestamp>| at.map_or_else(String::new, |at| format!(" on {}", moment(at)));
        let ended = on(life.end.as_ref().map(super::End::at));
        match state {
            State::Draft => format!("It is being prepared at {provider}."),
            State::Sent => {
                let until = life.expires_at().map(|at| format!(" It can be signed until {}.", moment(at)));
                format!("Sent with {provider}{}.{}", on(life.sent_at), until.unwrap_or_default())
            }
            State::Viewed => format!("Somebody first looked at it{}.", on(life.viewed_at)),
            State::PartiallySigned => format!("Some have signed with {provider}, others are still to sign."),
            State::Completed => format!("Signed with {provider}{ended}."),
            State::Declined => format!("Declined at {provider}{ended}."),
            State::Voided => format!("Voided at {provider}{ended}."),
            State::Expired => format!("Its time ran out at {provider}{ended}."),
            State::Error if life.is_over() => format!("{provider} could not send it."),
            State::Error => format!("It is stuck at {provider}; mail to a signer may have come back."),
        }
    }

    fn count(&self) -> String {
        let shown = self.shown();
        format!("{} of {} signed.", shown.signed, shown.signers)
    }

    /// Who signed and who declined. That somebody still waits is no news.
    fn signer_line(&self, place: usize, signer: &Signer) -> Option<String> {
        let (verb, at) = match self.signer_state(signer) {
            SignerState::Signed => ("signed", signer.progress.signed_at),
            SignerState::Declined => ("declined", signer.progress.declined_at),
            SignerState::Error => ("could not be reached", None),
            SignerState::Waiting | SignerState::Sent | SignerState::Viewed | SignerState::Expired => {
                return None;
            }
        };
        let on = at.map_or_else(String::new, |at| format!(" on {}", moment(at)));
        Some(format!("{} {verb}{on}.", plain(&called(place, signer))))
    }
}

/// Their role. A role that looks like an address is not told, nor is one that nobody gave.
fn called(place: usize, signer: &Signer) -> String {
    let role = signer.role.as_deref().map(str::trim).filter(|role| !role.is_empty() && !role.contains('@'));
    role.map_or_else(|| format!("Signer {}", place + 1), |role| one_line(role, LONGEST_WORDS))
}

/// The states it went through on its way, in order. One signer who has signed is not half of them.
fn passed(life: &Life, signers: usize) -> Vec<State> {
    let all = [
        (State::Sent, life.sent_at.is_some()),
        (State::Viewed, life.viewed_at.is_some()),
        (State::PartiallySigned, life.reached == Reached::PartiallySigned && signers > 1),
    ];
    all.into_iter().filter(|(_, was)| *was).map(|(state, _)| state).collect()
}

fn happened(state: State, life: &Life) -> &'static str {
    match state {
        State::Draft => "is being prepared",
        State::Sent => "was sent",
        State::Viewed => "was viewed",
        State::PartiallySigned => "was signed in part",
        State::Completed => "was completed",
        State::Declined => "was declined",
        State::Voided => "was voided",
        State::Expired => "expired",
        State::Error if life.is_over() => "could not be sent",
        State::Error => "is stuck",
    }
}

/// `2026-11-23 10:05 UTC`
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or_else(|| text.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
}

/// Somebody's text on one line, without characters that the CRM refuses, and no longer than this.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// What the signed file is called in the CRM, and for whoever saves it.
pub fn file_name(title: &str) -> String {
    let kept = one_line(title, 100).replace(['/', '\\', ':', '*', '?', '"', '<', '>', '|'], "-");
    format!("{} (signed).pdf", kept.trim_matches(['.', ' ']))
}

/// Somebody's text as Markdown that shows just that text: no link, no picture, no heading.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '~' | '|' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contract::{Cause, Dispatch, End, Observed, Overall, ProviderName, SignerSeen};
    use crate::domain::contract::{Change, Source, Told};
    use crate::domain::id::WorkspaceId;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_428_000_000 + minute * 60_000)
    }

    fn contract(signers: &[Option<&str>]) -> Contract {
        let signer = |(place, role): (usize, Option<&str>)| {
            Signer::new("Ada Lovelace", &format!("ada{place}@client.example"), role, 1)
        };
        Contract {
            id: "ctr_1".parse().unwrap(),
            workspace: WorkspaceId(uuid::Uuid::nil()),
            provider: ProviderName::DocuSign,
            request: None,
            title: "NDA".to_owned(),
            subject: "NDA".to_owned(),
            message: None,
            source: Source::Template { template: "t1".parse().unwrap() },
            signers: signers.iter().copied().enumerate().map(signer).collect(),
            fields: std::collections::BTreeMap::new(),
            metadata: std::collections::BTreeMap::new(),
            expires_in_days: None,
            reminders: None,
            person: None,
            opportunity: None,
            cause: Cause::Person { by: "session".to_owned() },
            requested_at: at(0),
            dispatch: Dispatch::Requested,
            life: Life::default(),
            cancel: None,
            signed_file: None,
            told: Told::default(),
            read_at: None,
            look_again_at: None,
            version: 1,
        }
    }

    fn after(contract: &Contract, overall: Overall, minute: i64, signers: Vec<SignerSeen>) -> Contract {
        let observed = Observed { signers, ..Observed::overall(at(minute), overall) };
        match contract.on(&observed) {
            Change::Move { next, .. } => *next,
            Change::Stay => contract.clone(),
        }
    }

    fn signed(place: usize, minute: i64) -> SignerSeen {
        let email = format!("ada{place}@client.example");
        let seen = SignerSeen::new(None, Some(email), Some(SignerState::Signed));
        SignerSeen { signed_at: Some(at(minute)), ..seen }
    }

    fn states(contract: &Contract) -> Vec<State> {
        contract.due_notes().iter().map(|note| note.state).collect()
    }

    #[test]
    fn a_draft_is_no_news() {
        assert_eq!(contract(&[None]).due_notes(), []);
    }

    #[test]
    fn a_completed_contract_tells_who_signed_when_and_with_whom() {
        let start = after(&contract(&[Some("Client"), None]), Overall::Sent, 1, vec![]);
        let seen = vec![signed(0, 2), signed(1, 3)];
        let mut done = after(&start, Overall::Completed { at: Some(at(3)) }, 3, seen);
        done.told.noted = vec![State::Sent, State::PartiallySigned];

        let notes = done.due_notes();

        let [note] = &notes[..] else { panic!("{notes:?}") };
        assert_eq!(note.title, "Contract “NDA” was completed");
        assert_eq!(
            note.text,
            "Signed with DocuSign on 2026-11-23 10:03 UTC.\n\n2 of 2 signed.\n\nClient signed on 2026-11-23 10:02 \
             UTC.\n\nSigner 2 signed on 2026-11-23 10:03 UTC."
        );
    }

    #[test]
    fn states_that_were_passed_unseen_are_told_first_and_none_is_told_twice() {
        let sent = after(&contract(&[None]), Overall::Sent, 1, vec![]);
        let viewed = after(&sent, Overall::Viewed, 2, vec![]);
        let done = after(&viewed, Overall::Completed { at: None }, 3, vec![signed(0, 3)]);
        let mut told = done.clone();
        told.told.noted = vec![State::Sent, State::Completed];

        assert_eq!(states(&sent), [State::Sent]);
        assert_eq!(states(&done), [State::Sent, State::Viewed, State::Completed]);
        assert_eq!(states(&told), [State::Viewed]);
    }

    #[test]
    fn what_somebody_wrote_is_shown_as_they_wrote_it_and_names_nobody() {
        let mut contract = contract(&[Some("eve@client.example")]);
        let reason = "Too *dear*,\nsee [this](https://evil.example) <b>\u{0}".to_owned();
        contract.life.end = Some(End::Declined { at: at(5), reason: Some(reason) });
        contract.signers[0].progress.declined_at = Some(at(5));

        let note = contract.due_notes().remove(0);

        assert_eq!(note.title, "Contract “NDA” was declined");
        let said = "Reason: Too \\*dear\\*, see \\[this\\](https://evil.example) \\<b\\>";
        assert!(note.text.ends_with(said), "{}", note.text);
        assert!(!note.text.contains("client.example"), "{}", note.text);
    }
}
