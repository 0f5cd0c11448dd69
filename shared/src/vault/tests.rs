use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const ONE: &str = r#"{"1": "a text of more than thirty-two characters"}"#;
const TWO: &str =
    r#"{"1": "a text of more than thirty-two characters", "2": "another text of more than 32 characters"}"#;
const TEN: &str =
    r#"{"9": "nine nine nine nine nine nine nine nine", "10": "ten ten ten ten ten ten ten ten ten"}"#;

fn vault(keys: &str) -> Vault {
    Vault::new(SealKeys::parse(keys).unwrap())
}

fn place(workspace: u128) -> Bound<'static> {
    Bound { workspace: WorkspaceId(Uuid::from_u128(workspace)), owner: "conn_1", field: "access" }
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_own_place(text in ".{0,200}", workspace: u128, owner in ".{0,20}", field in ".{0,20}") {
        let vault = vault(TWO);
        let bound = Bound { workspace: WorkspaceId(Uuid::from_u128(workspace)), owner: &owner, field: &field };

        let sealed = vault.seal(&bound, &Secret::new(text.clone())).unwrap();

        let opened = vault.open(&bound, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), text);
    }

    #[test]
    fn what_is_sealed_opens_in_no_other_place(here: (u128, String, String), there: (u128, String, String)) {
        prop_assume!(here != there);
        let vault = vault(ONE);
        let bound = |(workspace, owner, field): &(u128, String, String)| {
            (WorkspaceId(Uuid::from_u128(*workspace)), owner.clone(), field.clone())
        };
        let ((ws, owner, field), (ws2, owner2, field2)) = (bound(&here), bound(&there));
        let sealed = vault.seal(&Bound { workspace: ws, owner: &owner, field: &field }, &Secret::new("s")).unwrap();

        for other in [
            Bound { workspace: ws2, owner: &owner2, field: &field2 },
            Bound { workspace: ws, owner: &owner2, field: &field2 },
            Bound { workspace: ws2, owner: &owner, field: &field },
        ] {
            if other != (Bound { workspace: ws, owner: &owner, field: &field }) {
                prop_assert_eq!(vault.open(&other, &sealed), Err(VaultError::Refused));
            }
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other(whole in "[a-z]{2,20}", cut in 1usize..19) {
        prop_assume!(cut < whole.len());
        let (owner, field) = whole.split_at(cut);
        let vault = vault(ONE);
        let sealed = vault.seal(&Bound { owner, field, ..place(1) }, &Secret::new("s")).unwrap();

        for (owner, field) in [(whole.as_str(), ""), ("", whole.as_str())] {
            prop_assert_eq!(vault.open(&Bound { owner, field, ..place(1) }, &sealed), Err(VaultError::Refused));
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused(text in ".{0,60}", at: prop::sample::Index, bit in 0u8..8) {
        let vault = vault(ONE);
        let sealed = vault.seal(&place(1), &Secret::new(text)).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed.0.strip_prefix("v1.").unwrap()).unwrap();
        let at = at.index(bytes.len());

        bytes[at] ^= 1 << bit;

        let changed = Sealed(format!("v1.{}", URL_SAFE_NO_PAD.encode(bytes)));
        prop_assert_eq!(vault.open(&place(1), &changed), Err(VaultError::Refused));
    }

    #[test]
    fn any_text_that_is_not_ours_is_refused(text in ".{0,120}") {
        prop_assert!(vault(TWO).open(&place(1), &Sealed(text)).is_err());
    }
}

#[test]
fn the_version_is_bound_too() {
    let same = r#"{"1": "the same text of more than 32 characters", "2": "the same text of more than 32 characters"}"#;
    let vault = vault(same);
    let sealed = vault.seal(&place(1), &Secret::new("s")).unwrap();

    let renamed = Sealed(sealed.0.replacen("v2.", "v1.", 1));

    assert_eq!(vault.open(&place(1), &renamed), Err(VaultError::Refused));
    assert_eq!(vault.open(&place(1), &Sealed(sealed.0.replacen("v2.", "v02.", 1))), Err(VaultError::Refused));
}

#[test]
fn after_a_rotation_old_texts_open_and_new_ones_use_the_new_key() {
    let old = vault(ONE).seal(&place(1), &Secret::new("old")).unwrap();
    let rotated = vault(TWO);

    let new = rotated.seal(&place(1), &Secret::new("new")).unwrap();

    assert_eq!(rotated.open(&place(1), &old).unwrap().expose(), "old");
    assert!(new.0.starts_with("v2."));
    assert_eq!(vault(ONE).open(&place(1), &new), Err(VaultError::NoKey(2)));
}

#[test]
fn the_newest_key_is_the_one_with_the_highest_number() {
    let sealed = vault(TEN).seal(&place(1), &Secret::new("s")).unwrap();

    assert!(sealed.0.starts_with("v10."), "{}", sealed.0);
}

#[test]
fn the_same_secret_never_seals_to_the_same_text() {
    let vault = vault(ONE);

    let texts = [(); 2].map(|()| vault.seal(&place(1), &Secret::new("s")).unwrap());

    assert_ne!(texts[0], texts[1]);
}

#[test]
fn keys_that_cannot_be_used_are_refused_and_never_shown() {
    let short = "canary";
    for (text, wrong) in [
        ("", BadKeys::NotKeys),
        ("[]", BadKeys::NotKeys),
        (r#"{"one": "a text of more than thirty-two characters"}"#, BadKeys::NotKeys),
        (r#"{"1": 5}"#, BadKeys::NotKeys),
        ("{}", BadKeys::None),
        (r#"{"7": "canary"}"#, BadKeys::TooShort(7)),
    ] {
        assert_eq!(SealKeys::parse(text).unwrap_err(), wrong);
        assert!(!wrong.to_string().contains(short));
    }
    assert_eq!(format!("{:?}", vault(TWO)), "Vault { keys: {1, 2} }");
}
