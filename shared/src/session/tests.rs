use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn sessions(key: &str) -> Sessions {
    Sessions::new(Secret::new(key))
}

fn workspace(number: u128) -> WorkspaceId {
    WorkspaceId(Uuid::from_u128(number))
}

#[test]
fn a_session_proves_its_workspace_until_it_is_over() {
    let sessions = sessions("key");

    let token = sessions.mint(workspace(7), NOW, HOUR);

    assert_eq!(sessions.check(token.expose(), NOW), Ok(workspace(7)));
    assert_eq!(sessions.check(token.expose(), NOW + Duration::from_millis(3_599_999)), Ok(workspace(7)));
    assert_eq!(sessions.check(token.expose(), NOW + HOUR), Err(BadSession));
}

#[test]
fn a_session_of_another_key_is_refused() {
    let token = sessions("key").mint(workspace(7), NOW, HOUR);

    assert_eq!(sessions("other key").check(token.expose(), NOW), Err(BadSession));
}

#[test]
fn a_payload_cannot_be_moved_under_another_signature() {
    let sessions = sessions("key");
    let (mine, theirs) = (sessions.mint(workspace(7), NOW, HOUR), sessions.mint(workspace(8), NOW, HOUR));
    let parts = |token: &Secret| token.expose().split('.').map(str::to_owned).collect::<Vec<_>>();

    let mixed = format!("v1.{}.{}", parts(&theirs)[1], parts(&mine)[2]);

    assert_eq!(sessions.check(&mixed, NOW), Err(BadSession));
}

proptest! {
    #[test]
    fn no_change_to_a_session_is_accepted(at: prop::sample::Index, with in prop::char::ranges(vec!['-'..='.', '0'..='9', 'A'..='Z', '_'..='_', 'a'..='z'].into())) {
        let sessions = sessions("key");
        let token = sessions.mint(workspace(7), NOW, HOUR);
        let mut letters: Vec<char> = token.expose().chars().collect();
        let at = at.index(letters.len());

        letters[at] = with;

        let changed: String = letters.into_iter().collect();

        prop_assume!(changed != token.expose());
        prop_assert_eq!(sessions.check(&changed, NOW), Err(BadSession));
    }

    #[test]
    fn no_other_text_is_a_session(text in ".{0,80}") {
        prop_assert_eq!(sessions("key").check(&text, NOW), Err(BadSession));
    }

    #[test]
    fn no_other_text_is_an_api_token(text in "(wt_)?[a-f0-9_]{0,40}.{0,60}") {
        if let Some((_, digest)) = read_api_token(&text) {
            prop_assert_eq!(digest.len(), 64);
            prop_assert_eq!(text.len(), 3 + 32 + 1 + 43);
        }
    }
}

#[test]
fn a_cookie_over_https_is_pinned_to_its_host() {
    let cookie = Cookie::Session.set(Transport::Https, &Secret::new("value"), HOUR);

    assert_eq!(cookie, "__Host-session=value; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure");
}

#[test]
fn a_cookie_over_plain_http_has_a_plain_name() {
    let cookie = Cookie::Consent.set(Transport::PlainLocal, &Secret::new("value"), HOUR);

    assert_eq!(cookie, "consent=value; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax");
}

#[test]
fn a_cookie_is_taken_away_by_an_empty_one_that_is_over() {
    let cookie = Cookie::Session.clear(Transport::Https);

    assert_eq!(cookie, "__Host-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
}

#[test]
fn a_cookie_is_found_by_its_whole_name_only() {
    let read = |header| Cookie::Session.read(Transport::PlainLocal, header);

    assert_eq!(read("a=b; session=v1.x.y=; c=d"), Some("v1.x.y="));
    assert_eq!(read("session=x"), Some("x"));
    assert_eq!(read("session="), None);
    assert_eq!(read("my-session=x; sessions=y; session"), None);
    assert_eq!(Cookie::Session.read(Transport::Https, "session=x"), None);
    assert_eq!(read(""), None);
}

#[test]
fn an_api_token_names_its_workspace_and_leads_to_its_digest() {
    let (token, kept) = new_api_token(workspace(7)).unwrap();

    assert_eq!(read_api_token(token.expose()), Some((workspace(7), kept.clone())));
    assert!(!kept.contains(token.expose().rsplit('_').next().unwrap()));
    assert!(token.expose().starts_with("wt_00000000000000000000000000000007_"));
}
