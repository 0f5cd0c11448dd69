//! The walls of the house: who may use whom, checked against the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// The shipped part of a file: without its tests.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap()
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs")
}

/// A folder of `shared/src`, and what must not occur in it.
const WALLS: &[(&str, &[&str])] = &[
    (
        "domain/",
        &[
            "async ",
            "tracing",
            "crate::http",
            "crate::store",
            "crate::whop",
            "crate::twenty",
            "aws_",
            "::now()",
        ],
    ),
    ("whop/", &["crate::twenty", "crate::store", "crate::queue", "crate::usecase", "aws_", "lambda_"]),
    ("twenty/", &["crate::whop", "crate::store", "crate::queue", "crate::usecase", "aws_", "lambda_"]),
    (
        "ai/",
        &[
            "crate::whop",
            "crate::twenty",
            "crate::store",
            "crate::queue",
            "crate::usecase",
            "aws_",
            "lambda_",
            "tracing",
        ],
    ),
    (
        "esign/",
        &[
            "crate::whop",
            "crate::twenty",
            "crate::ai",
            "crate::store",
            "crate::queue",
            "crate::usecase",
            "aws_",
            "lambda_",
            "tracing",
        ],
    ),
    (
        "files",
        &[
            "crate::whop",
            "crate::twenty",
            "crate::ai",
            "crate::esign",
            "crate::store",
            "crate::queue",
            "crate::usecase",
            "aws_sdk",
            "lambda_",
            "tracing",
        ],
    ),
    ("store/", &["crate::whop", "crate::twenty", "crate::queue", "crate::usecase", "crate::http", "lambda_"]),
    ("usecase/", &["aws_", "lambda_", "reqwest", "serde_json", "crate::http"]),
    ("lambda/", &["crate::whop", "crate::twenty", "crate::store"]),
];

#[test]
fn nobody_reaches_through_a_wall() {
    let mut breaches = Vec::new();
    for (name, text) in sources("shared/src") {
        let place = name.strip_prefix("shared/src/").unwrap();
        if is_test(&name) {
            continue;
        }
        for (_, forbidden) in WALLS.iter().filter(|(folder, _)| place.starts_with(folder)) {
            let code = shipped(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
            let code: String = code.collect::<Vec<_>>().join("\n");
            breaches
                .extend(forbidden.iter().filter(|it| code.contains(**it)).map(|it| format!("{name}: {it}")));
        }
    }
    // The digest of a draft is taken over its JSON, and settings are part of it.
    breaches.retain(|breach| !breach.starts_with("shared/src/domain/") || !breach.ends_with("serde_json"));
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn a_function_knows_no_sdk_and_no_other_function() {
    for name in ["oauth", "webhook", "sync", "graphql", "ai", "contract"] {
        let manifest = fs::read_to_string(root().join(format!("functions/{name}/Cargo.toml"))).unwrap();
        for forbidden in ["aws-sdk", "reqwest", "oauth.workspace", "webhook.workspace", "sync.workspace"] {
            assert!(!manifest.contains(forbidden), "{name} depends on {forbidden}");
        }
        let main = fs::read_to_string(root().join(format!("functions/{name}/src/main.rs"))).unwrap();
        assert_eq!(
            main.lines().count(),
            4,
            "{name}: everything a process needs at its start is in shared::lambda"
        );
    }
}

#[test]
fn the_stand_ins_know_nothing_of_the_product() {
    let manifest = fs::read_to_string(root().join("tests/sim/Cargo.toml")).unwrap();

    assert!(!manifest.contains("shared"), "a shared mistake would hide");
}

#[test]
fn every_module_says_what_it_is_for_and_stays_readable() {
    let mut faults = Vec::new();
    for (name, text) in sources("shared/src").into_iter().chain(sources("functions")) {
        if !name.ends_with("main.rs") && !text.starts_with("//!") && !is_test(&name) {
            faults.push(format!("{name} has no head"));
        }
        let lines = shipped(&text).lines().count();
        if lines > 400 && !is_test(&name) {
            faults.push(format!("{name} has {lines} lines"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
