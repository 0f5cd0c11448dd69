//! The published schema is the one that runs, and a document cannot hurt us.

use std::path::Path;

use super::*;

const PUBLISHED: &str = include_str!("../schema.graphql");

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for the developer, not configuration")]
fn the_published_schema_is_the_one_that_runs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let running = api().sdl();

    if std::env::var("RENEW_SCHEMA").is_ok() {
        std::fs::write(&file, &running).unwrap();
        return;
    }

    let stale = "schema.graphql is stale; renew it with: RENEW_SCHEMA=1 cargo test --locked -p graphql published_schema";
    assert!(running == PUBLISHED, "{stale}");
}

#[test]
fn every_part_of_the_schema_is_described() {
    let undescribed = undescribed(PUBLISHED);

    assert_eq!(undescribed, Vec::<&str>::new());
}

/// Lines that declare something and do not follow the end of a description.
fn undescribed(sdl: &str) -> Vec<&str> {
    let lines: Vec<&str> = sdl.lines().map(str::trim).collect();
    let declares = |line: &str| {
        let begins = ["type ", "enum ", "input ", "scalar "].iter().any(|word| line.starts_with(word));
        let member = line.starts_with(|first: char| first.is_ascii_alphabetic()) && !line.contains(' ');
        begins
            || member
            || (line.contains(": ")
                && line.ends_with(['!', ']', 't', 'g', 'D', 'n', 'e', 'y', 'h'])
                && !line.contains('.'))
    };
    let pairs = lines.windows(2).filter(|pair| declares(pair[1]) && !pair[1].starts_with('"'));
    let bare = pairs.filter(|pair| pair[0] != "\"\"\"" && !pair[0].ends_with('"'));
    bare.map(|pair| pair[1]).filter(|line| !["query: Query", "mutation: Mutation"].contains(line)).collect()
}

#[tokio::test]
async fn a_document_nested_without_end_is_refused_and_not_run() {
    for (open, close) in [("{a", "}"), ("{a(b:[", "])}"), ("{a(b:{c:", "})}")] {
        let document = format!("{}{}", open.repeat(9_000), close.repeat(9_000));

        let answer = api().execute(document).await;

        assert!(answer.is_err());
    }
}

#[tokio::test]
async fn a_document_that_nests_too_deep_is_refused() {
    let wrapped = format!("{}name{}", "{ ofType ".repeat(12), " }".repeat(12));

    let answer = api().execute(format!("{{ __schema {{ types {{ fields {{ type {wrapped} }} }} }} }}")).await;

    assert_eq!(messages(&answer), ["Query is nested too deep."]);
}

#[tokio::test]
async fn a_document_that_costs_too_much_is_refused() {
    let streams =
        "streams { name seen written linked unchanged skipped { reason count } failed { reason count } }";
    let runs = |name| format!("{name}: runs(first: 100) {{ id kind state reason percent {streams} }}");
    let document = format!("{{ {} {} {} {} }}", runs("a"), runs("b"), runs("c"), runs("d"));

    let answer = api().execute(document).await;

    assert_eq!(messages(&answer), ["Query is too complex."]);
}

fn messages(answer: &Response) -> Vec<&str> {
    answer.errors.iter().map(|error| error.message.as_str()).collect()
}

#[tokio::test]
async fn an_error_of_ours_is_told_in_our_words_with_its_code() {
    let mut answer = api().execute("{ workspace { name } }").await;

    for error in &mut answer.errors {
        explain(error, "req-1");
    }

    let told = serde_json::to_value(&answer.errors).unwrap();
    assert_eq!(told[0]["message"], Error::new(Kind::Bug).advice());
    assert_eq!(told[0]["extensions"]["code"], "INTERNAL");
    assert_eq!(told[0]["extensions"]["requestId"], "req-1");
}
