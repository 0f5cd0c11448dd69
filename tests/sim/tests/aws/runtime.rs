//! The host for Lambda binaries, with the example `function` as the binary.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use sim::aws::RuntimeHost;

const LONG: Duration = Duration::from_secs(30);

/// Cargo builds examples next to the tests' own folder, before the tests run.
fn function() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    let name = format!("function{}", std::env::consts::EXE_SUFFIX);
    let path = folder.join("examples").join(name);
    assert!(path.exists(), "build it first: cargo build -p sim --example function");
    path
}

async fn host() -> RuntimeHost {
    let env = [("TABLE".to_owned(), "t".to_owned())];
    RuntimeHost::start(&function(), &env, "echo").await
}

#[tokio::test]
async fn an_event_reaches_the_function_with_the_headers_of_an_invocation() {
    let host = host().await;

    let ready_after = host.ready().await;
    let invocation = host.invoke(json!({ "do": "echo", "n": 1 }), LONG).await;

    let answer = invocation.result.unwrap();
    assert!(ready_after.is_some());
    assert_eq!(answer["event"]["n"], 1);
    let headers = &answer["headers"];
    assert_eq!(
        headers["lambda-runtime-invoked-function-arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:echo"
    );
    assert!(headers["lambda-runtime-deadline-ms"].as_str().unwrap().parse::<i64>().is_ok());
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_what_lambda_sets() {
    let host = host().await;

    let env = host.invoke(json!({ "do": "env" }), LONG).await.result.unwrap();

    assert_eq!(env["TABLE"], "t");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_NAME"], "echo");
    assert!(env.get("PATH").is_none());
}

#[tokio::test]
async fn an_error_the_function_reports_comes_back_and_the_process_stays() {
    let host = host().await;
    let pid = host.pid();

    let error = host.invoke(json!({ "do": "fail" }), LONG).await.result.unwrap_err();
    let next = host.invoke(json!({ "do": "echo" }), LONG).await;

    assert_eq!((error.error_type.as_str(), error.error_message.as_str()), ("Broken", "as told"));
    assert!(next.result.is_ok());
    assert_eq!((host.pid(), host.starts()), (pid, 1));
    let mut log = host.stop().await;
    log.sort();
    assert_eq!(log, ["about to fail", "started"]);
}

#[tokio::test]
async fn a_process_that_ends_fails_its_event_and_the_next_event_gets_a_new_one() {
    let host = host().await;

    let error = host.invoke(json!({ "do": "exit" }), LONG).await.result.unwrap_err();
    let next = host.invoke(json!({ "do": "echo" }), LONG).await;

    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(error.error_message.ends_with("exit status: 3"), "{error}");
    assert!(next.result.is_ok());
    assert_eq!(host.starts(), 2);
}

#[tokio::test]
async fn a_process_that_outlives_its_deadline_is_replaced() {
    let host = host().await;

    let error = host.invoke(json!({ "do": "hang" }), Duration::from_millis(5)).await.result.unwrap_err();
    let next = host.invoke(json!({ "do": "echo" }), LONG).await;

    assert_eq!(error.error_type, "Sandbox.Timedout");
    assert!(next.result.is_ok());
    assert_eq!(host.starts(), 2);
}

#[tokio::test]
async fn a_failed_start_is_reported_in_the_functions_own_words() {
    let env = [("FAIL_AT_START".to_owned(), "1".to_owned())];
    let host = RuntimeHost::start(&function(), &env, "broken").await;

    let error = host.invoke(json!({}), LONG).await.result.unwrap_err();

    assert_eq!(error.error_message, "TABLE is not set");
    assert_eq!(host.ready_after(), None);
}
