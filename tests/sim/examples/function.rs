//! A tiny Lambda function on nothing but the standard library, for the tests of the Runtime API host.
//!
//! It does what the event says under `do`: `echo`, `fail`, `exit`, `hang` or `env`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it plays a foreign function, and its output is what the tests look at"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

fn main() {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    if std::env::var("FAIL_AT_START").is_ok() {
        let error = json!({ "errorType": "Config", "errorMessage": "TABLE is not set" });
        call(&host, "POST", "init/error", &error);
        std::process::exit(1);
    }
    println!("started");
    loop {
        let (headers, event) = call(&host, "GET", "invocation/next", &Value::Null);
        let id = &headers["lambda-runtime-aws-request-id"];
        match event["do"].as_str() {
            Some("exit") => std::process::exit(3),
            Some("hang") => loop {
                std::thread::park();
            },
            Some("fail") => {
                eprintln!("about to fail");
                let error = json!({ "errorType": "Broken", "errorMessage": "as told", "stackTrace": [] });
                call(&host, "POST", &format!("invocation/{id}/error"), &error);
            }
            Some("env") => {
                let env: BTreeMap<String, String> = std::env::vars().collect();
                call(&host, "POST", &format!("invocation/{id}/response"), &json!(env));
            }
            Some(_) | None => {
                let answer = json!({ "event": event, "headers": headers });
                call(&host, "POST", &format!("invocation/{id}/response"), &answer);
            }
        }
    }
}

/// One call of the Runtime API, on a connection of its own.
fn call(host: &str, method: &str, path: &str, body: &Value) -> (BTreeMap<String, String>, Value) {
    let body = body.to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    (headers, serde_json::from_str(&answer).unwrap())
}
