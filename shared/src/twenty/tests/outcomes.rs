//! Recorded answers and the error each becomes. None may carry what was in a record.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{answer, plain, sample};
use crate::error::{Error, Kind};
use crate::twenty::{KeyProblem, Right, TwentyError, outcome, wire};

fn rest(sample: &Json, right: Right) -> TwentyError {
    outcome::rest::<Json>(&answer(sample), right).unwrap_err()
}

fn graphql(sample: &Json, right: Right) -> TwentyError {
    outcome::graphql::<Json>(&answer(sample), right).unwrap_err()
}

fn key_problem(error: &TwentyError) -> Option<KeyProblem> {
    match error {
        TwentyError::Unauthorized { reason } => Some(*reason),
        _ => None,
    }
}

#[test]
fn every_recorded_way_of_refusing_a_key_is_told_apart() {
    let rest_refusals = [
        (sample!("auth-missing-token-403"), KeyProblem::NoToken),
        (sample!("auth-metadata-missing-token-403"), KeyProblem::NoToken),
        (sample!("auth-malformed-token-401"), KeyProblem::Invalid),
        (sample!("auth-bad-signature-401"), KeyProblem::Invalid),
        (sample!("transient-token-cannot-call-api"), KeyProblem::Invalid),
        (sample!("auth-expired-key"), KeyProblem::Expired),
        (sample!("auth-revoked-key"), KeyProblem::Revoked),
    ];
    let graphql_refusals = [
        (sample!("auth-graphql-missing-token"), KeyProblem::NoToken),
        (sample!("auth-metadata-graphql-missing-token"), KeyProblem::NoToken),
        (sample!("auth-graphql-bad-signature"), KeyProblem::Invalid),
        (sample!("transient-token-cannot-query-metadata"), KeyProblem::Invalid),
        (sample!("auth-expired-key-graphql"), KeyProblem::Expired),
        (sample!("auth-revoked-key-graphql"), KeyProblem::Revoked),
    ];

    for (sample, expected) in rest_refusals {
        assert_eq!(key_problem(&rest(&sample, Right::Records)), Some(expected), "{sample}");
    }
    for (sample, expected) in graphql_refusals {
        assert_eq!(key_problem(&graphql(&sample, Right::Records)), Some(expected), "{sample}");
    }
}

#[test]
fn a_missing_permission_names_the_right_that_lacks_whatever_the_status() {
    let errors = [
        rest(&sample!("permission-denied-write-rest"), Right::Records),
        rest(&sample!("permission-denied-metadata-rest"), Right::DataModel),
        rest(&sample!("permission-denied-webhook-rest"), Right::DataModel),
        graphql(&sample!("permission-denied-write-graphql"), Right::Records),
        graphql(&sample!("permission-denied-metadata-graphql"), Right::DataModel),
    ];

    let rights: Vec<_> = errors
        .iter()
        .map(|error| match error {
            TwentyError::Forbidden { right } => right.to_string(),
            other => panic!("{other}"),
        })
        .collect();

    assert_eq!(rights, ["records", "DATA_MODEL", "DATA_MODEL", "records", "DATA_MODEL"]);
}

fn throttled(error: &TwentyError) -> Option<(Option<Duration>, Option<u32>)> {
    match error {
        TwentyError::Throttled { retry_after, limit } => Some((*retry_after, *limit)),
        _ => None,
    }
}

#[test]
fn a_refusal_for_too_many_calls_carries_the_limit_it_names() {
    let today = [
        rest(&sample!("rate-limit-rest"), Right::Records),
        rest(&sample!("rate-limit-rest-batch"), Right::Records),
        graphql(&sample!("rate-limit-graphql"), Right::Records),
    ];

    for error in today {
        assert_eq!(throttled(&error), Some((None, Some(100))), "{error}");
    }
}

#[test]
fn newer_servers_say_how_long_to_wait_in_the_body_or_in_a_header() {
    let body = json!({
        "statusCode": 429, "error": "RATE_LIMITED", "messages": ["Too many"], "limit": 5, "remaining": 0,
        "periodCount": 1, "periodUnit": "second", "retryAfterSeconds": 3,
    });
    let in_body = plain(429, &body.to_string());
    let mut in_header = plain(429, "<html>slow down</html>");
    in_header.headers.insert("retry-after", "7".parse().unwrap());
    in_header.headers.insert("x-ratelimit-limit", "50".parse().unwrap());
    let extensions = json!({"code": "RATE_LIMITED", "retryAfterMs": 1500});
    let in_graphql = plain(200, &json!({"errors": [{"message": "m", "extensions": extensions}]}).to_string());

    let said = [
        outcome::rest::<Json>(&in_body, Right::Records).unwrap_err(),
        outcome::rest::<Json>(&in_header, Right::Records).unwrap_err(),
        outcome::graphql::<Json>(&in_graphql, Right::Records).unwrap_err(),
    ];

    let waits: Vec<_> = said.iter().map(|error| throttled(error).unwrap()).collect();
    assert_eq!(waits[0], (Some(Duration::from_secs(3)), Some(300)));
    assert_eq!(waits[1], (Some(Duration::from_secs(7)), Some(50)));
    assert_eq!(waits[2], (Some(Duration::from_millis(1500)), None));
}

#[test]
fn an_exhausted_quota_is_not_a_matter_of_waiting() {
    let rest = plain(402, r#"{"statusCode":402,"error":"QUOTA_EXHAUSTED","messages":["Quota"]}"#);
    let graphql = plain(200, r#"{"errors":[{"message":"Quota","extensions":{"code":"QUOTA_EXHAUSTED"}}]}"#);

    assert!(matches!(outcome::rest::<Json>(&rest, Right::Records), Err(TwentyError::QuotaExhausted)));
    assert!(matches!(outcome::graphql::<Json>(&graphql, Right::Records), Err(TwentyError::QuotaExhausted)));
}

fn reason(error: &TwentyError) -> &str {
    match error {
        TwentyError::Rejected { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_twenty_will_never_take_is_rejected_with_the_rule_and_without_the_value() {
    let conflict = "Multiple records found with the same unique field values for emails, whopUserId";
    let duplicate = "A duplicate entry was detected";
    let connect = "Expected 1 record to connect to pointOfContact, but found 0 for whopUserId = …";
    let email = "Invalid string value … for email field \"emails.primaryEmail\"";
    for (sample, expected) in [
        (sample!("people-invalid-email"), email),
        (sample!("people-phone-invalid"), "Provided phone number is invalid …"),
        (sample!("people-text-as-number"), "Invalid string value … for text field \"whopUserId\""),
        (sample!("people-wrong-type"), "Invalid number value … for field \"whopMembershipCount\""),
        (sample!("people-wrong-composite"), "Invalid object value … for field \"emails\""),
        (sample!("people-unknown-subfield"), "Invalid subfield email for emails field \"emails\""),
        (sample!("people-multiselect-invalid"), "Invalid value … for multi select field \"whopProducts\""),
        (
            sample!("opportunities-invalid-date"),
            "Invalid value … for date-time field \"whopRenewsAt\". Expected format: …",
        ),
        (sample!("people-null-byte"), "Data validation error."),
        (sample!("people-create-duplicate-email"), duplicate),
        (sample!("people-batch-upsert-duplicate-new-in-batch"), duplicate),
        (sample!("people-batch-upsert-partial-failure"), duplicate),
        (sample!("people-upsert-conflict-two-records"), conflict),
        (sample!("people-batch-upsert-conflict-fails-whole-batch"), conflict),
        (sample!("opportunities-upsert-connect-missing"), connect),
        (sample!("opportunities-batch-connect-one-missing"), connect),
        (
            sample!("opportunities-fk-missing"),
            "insert or update on table \"opportunity\" violates foreign key constraint \"FK_ce5aa294b17fe23a0b19267f1e1\"",
        ),
        (
            sample!("opportunities-upsert-null-stage"),
            "null value in column \"stage\" of relation \"opportunity\" violates not-null constraint",
        ),
        (sample!("people-batch-too-many"), "Maximum number of records to upsert is 200."),
        (sample!("people-batch-object-body"), "args.data.forEach is not a function"),
        (sample!("people-get-404"), "Record not found"),
        (sample!("people-get-bad-uuid"), "… is not a valid UUID"),
    ] {
        let error = rest(&sample, Right::Records);

        assert_eq!(reason(&error), expected, "{sample}");
        assert!(error.refuses_content());
    }
}

#[test]
fn graphql_refusals_name_the_other_record_where_twenty_does() {
    let duplicate = graphql(&sample!("graphql-person-duplicate"), Right::Records);
    let conflict = graphql(&sample!("graphql-person-upsert-conflict"), Right::Records);
    let email = graphql(&sample!("graphql-person-invalid-email"), Right::Records);

    let TwentyError::Rejected { culprit, .. } = &duplicate else {
        panic!("{duplicate}");
    };
    assert_eq!(*culprit, Some("4d533b49-fee9-4586-beb1-b6f9758e557c".parse().unwrap()));
    assert!(!reason(&conflict).contains("gra2@gmail.com"));
    assert_eq!(reason(&email), "Invalid string value … for email field \"emails.primaryEmail\"");
}

#[test]
fn half_an_answer_is_no_answer() {
    let error = graphql(&sample!("graphql-two-mutations"), Right::Records);

    assert!(reason(&error).starts_with("Expected 1 record to connect to pointOfContact"));
}

#[test]
fn a_field_or_object_that_is_gone_calls_for_the_schema() {
    let errors = [
        rest(&sample!("people-unknown-field"), Right::Records),
        rest(&sample!("people-upsert-unknown-field"), Right::Records),
        rest(&sample!("people-filter-unknown-field"), Right::Records),
        rest(&sample!("rest-unknown-object"), Right::Records),
        rest(&sample!("metadata-rest-get-field-404"), Right::DataModel),
        rest(&sample!("metadata-rest-create-field-missing-object"), Right::DataModel),
        graphql(&sample!("graphql-person-unknown-field"), Right::Records),
        graphql(&sample!("graphql-unknown-root"), Right::Records),
    ];

    for error in errors {
        assert!(matches!(error, TwentyError::SchemaDrift { .. }), "{error:?}");
    }
}

#[test]
fn an_option_that_is_missing_is_told_by_its_field() {
    for (sample, expected) in [
        (sample!("opportunities-invalid-select"), "whopMembershipStatus"),
        (sample!("opportunities-invalid-stage"), "stage"),
    ] {
        let error = rest(&sample, Right::Records);

        let TwentyError::OptionMissing { field } = error else {
            panic!("{error}");
        };
        assert_eq!(field, expected);
    }
}

#[test]
fn a_refused_change_of_the_data_model_is_a_taken_name_or_a_reason() {
    let taken = [
        rest(&sample!("metadata-rest-create-field-duplicate-name"), Right::DataModel),
        rest(&sample!("metadata-rest-create-field-same-name-as-deactivated"), Right::DataModel),
        rest(&sample!("metadata-rest-create-object-duplicate"), Right::DataModel),
        graphql(&sample!("metadata-graphql-create-field-duplicate-name"), Right::DataModel),
    ];
    let duplicates = rest(&sample!("metadata-rest-make-unique-with-duplicates"), Right::DataModel);
    let default = rest(&sample!("metadata-rest-unique-with-default"), Right::DataModel);
    let bad_type = rest(&sample!("metadata-rest-create-field-bad-type"), Right::DataModel);

    for error in taken {
        assert!(matches!(error, TwentyError::NameTaken), "{error:?}");
    }
    assert!(reason(&duplicates).starts_with("Migration action"));
    assert!(reason(&default).starts_with("Unique index cannot be created for field txtUnique"));
    assert!(reason(&bad_type).starts_with("type must be one of the following values: ACTOR"));
}

#[test]
fn what_says_nothing_about_the_record_is_unavailable_or_unexpected() {
    for status in [408, 500, 502, 503, 504] {
        for body in ["", "<html>gateway</html>", r#"{"statusCode":500,"messages":["Internal server error"]}"#]
        {
            let error = outcome::rest::<Json>(&plain(status, body), Right::Records).unwrap_err();
            assert!(matches!(error, TwentyError::Unavailable { .. }), "{status} {body}: {error:?}");
        }
    }
    for (status, body) in [
        (200, "<!doctype html><title>Twenty</title>"),
        (200, "{\"data\":"),
        (301, ""),
        (403, "<html>blocked</html>"),
        (404, r#"{"message":"Cannot POST /rest/batch/people","error":"Not Found","statusCode":404}"#),
        (404, "not found"),
        (405, "{}"),
    ] {
        let error = outcome::graphql::<Json>(&plain(status, body), Right::Records).unwrap_err();
        assert!(matches!(error, TwentyError::Unexpected { .. }), "{status} {body}: {error:?}");
    }
    let large = outcome::rest::<Json>(&plain(413, "<html>too large</html>"), Right::Records).unwrap_err();
    assert!(large.refuses_content(), "halves are smaller");
}

#[test]
fn an_answer_that_does_not_decode_is_not_quoted() {
    let answer = plain(200, r#"{"data":{"edges":"ada@example.com"}}"#);

    let error = outcome::graphql::<wire::Records>(&answer, Right::Records).err().unwrap();

    let chain = Error::from(error).chain();
    assert!(!chain.contains("ada"), "{chain}");
}

#[test]
fn each_error_has_the_kind_and_the_advice_for_whoever_acts_on_it() {
    let key = |reason| TwentyError::Unauthorized { reason };
    let rejected =
        TwentyError::Rejected { reason: "A duplicate entry was detected".to_owned(), culprit: None };
    let wait = Duration::from_secs(9);
    let throttled = TwentyError::Throttled { retry_after: Some(wait), limit: None };
    let page = TwentyError::Unexpected { what: "a web page".to_owned() };
    for (error, kind, advice) in [
        (key(KeyProblem::Expired), Kind::Disconnected, "has expired"),
        (key(KeyProblem::Revoked), Kind::Disconnected, "was revoked"),
        (key(KeyProblem::Invalid), Kind::Disconnected, "does not know this API key"),
        (key(KeyProblem::NoToken), Kind::Unavailable, "removes the Authorization header"),
        (TwentyError::Forbidden { right: Right::DataModel }, Kind::Rejected, "Data model"),
        (TwentyError::QuotaExhausted, Kind::Rejected, "Raise it in Twenty"),
        (rejected, Kind::Rejected, "A duplicate entry was detected"),
        (throttled, Kind::Throttled { retry_after: wait }, "goes on by itself"),
        (page, Kind::Unavailable, "not a Twenty server's API"),
        (TwentyError::NameTaken, Kind::Conflict, "brings them back"),
        (TwentyError::Misused("x"), Kind::Bug, "logged"),
    ] {
        let error = Error::from(error);

        assert_eq!(error.kind(), kind);
        assert!(error.advice().contains(advice), "{}", error.advice());
    }
}

/// Every text in `json`, however deep.
fn texts(json: &Json) -> Vec<&str> {
    match json {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        Json::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn no_text_about_a_refusal_repeats_what_was_sent() {
    let over_rest = [
        sample!("people-invalid-email"),
        sample!("people-phone-invalid"),
        sample!("people-wrong-type"),
        sample!("people-wrong-composite"),
        sample!("people-multiselect-invalid"),
        sample!("people-null-byte"),
        sample!("people-create-duplicate-email"),
        sample!("people-create-duplicate-email-other-case"),
        sample!("people-create-duplicate-unique-field"),
        sample!("people-create-same-unique-as-soft-deleted"),
        sample!("people-update-unique-conflict"),
        sample!("people-upsert-conflict-two-records"),
        sample!("people-batch-upsert-conflict-fails-whole-batch"),
        sample!("people-batch-upsert-partial-failure"),
        sample!("opportunities-connect-soft-deleted-person"),
        sample!("opportunities-upsert-connect-missing"),
        sample!("opportunities-fk-missing"),
        sample!("opportunities-invalid-date"),
        sample!("opportunities-invalid-select"),
        sample!("opportunities-invalid-stage"),
        sample!("opportunities-upsert-null-stage"),
    ];
    let over_graphql = [
        sample!("graphql-person-duplicate"),
        sample!("graphql-person-invalid-email"),
        sample!("graphql-person-upsert-conflict"),
    ];
    let over_rest = over_rest.map(|it| (rest(&it, Right::Records), it));
    let over_graphql = over_graphql.map(|it| (graphql(&it, Right::Records), it));

    for (error, sample) in over_rest.into_iter().chain(over_graphql) {
        let error = Error::from(error);
        let said = format!("{} {} {error:?}", error.advice(), error.chain());

        let body = &sample["request"]["body"];
        let sent = body.get("variables").unwrap_or(body);
        for text in texts(sent).into_iter().filter(|text| text.len() > 2) {
            assert!(!said.contains(text), "{text} in {said}");
        }
    }
}

#[test]
fn values_are_cut_out_of_messages_nobody_recorded() {
    for (message, expected) in [
        (
            "Invalid string value \"O'Brien for \"field\"@x\" for email field \"emails.primaryEmail\"",
            "Invalid string value … for email field \"emails.primaryEmail\"",
        ),
        ("Key (\"emailsPrimaryEmail\")=(ada@example.com) already exists.", "Key (…) already exists."),
        ("invalid input syntax for type uuid: \"Ada Lovelace\"", "invalid input syntax for type uuid: …"),
        ("Something about ada@example.com, +33612345678", "Something about … …"),
        ("Value 'never closed Ada", "Value …"),
        ("Can't do that, and doesn't", "Can't do that, and doesn't"),
        ("with name \"Ada\" in column \"nameFirstName\"", "with name … in column \"nameFirstName\""),
    ] {
        let body = json!({"statusCode": 400, "messages": [message]}).to_string();
        let error = outcome::rest::<Json>(&plain(400, &body), Right::Records).unwrap_err();

        assert_eq!(reason(&error), expected);
    }
}

#[test]
fn whatever_else_was_recorded_as_refused_is_rejected() {
    let over_rest = [
        sample!("people-bad-cursor"),
        sample!("people-bad-limit"),
        sample!("people-depth-2"),
        sample!("people-filter-bad-comparator"),
        sample!("people-filter-bad-syntax"),
        sample!("people-delete-404"),
        sample!("people-delete-many-no-filter"),
        sample!("people-get-soft-deleted"),
        sample!("people-restore-by-id-rest-fails"),
        sample!("people-update-404"),
        sample!("people-update-many-rest-too-many"),
        sample!("workflow-webhook-trigger-unknown"),
        sample!("metadata-rest-create-field-invalid-name"),
        sample!("metadata-rest-create-field-reserved-name"),
        sample!("metadata-rest-create-field-select-bad-option"),
    ];
    let over_graphql = [
        sample!("graphql-alias-same-mutation"),
        sample!("graphql-note-with-targets"),
        sample!("graphql-people-too-many"),
        sample!("graphql-person-find-one-missing"),
        sample!("graphql-person-update-missing"),
        sample!("graphql-syntax-error"),
        sample!("graphql-update-many-too-many"),
    ];

    for error in over_rest.iter().map(|it| rest(it, Right::Records)) {
        assert!(!reason(&error).is_empty());
    }
    for error in over_graphql.iter().map(|it| graphql(it, Right::Records)) {
        assert!(!reason(&error).is_empty());
    }
}
