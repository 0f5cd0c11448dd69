//! The adapter against what a Twenty 2.21 server was seen to answer, and against a small server of canned answers.
#![expect(
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "tables of cases are long, and a test names only the variant it expects"
)]

mod calls;
mod contracts;
mod deal;
mod ensure;
mod keys;
mod outcomes;
mod read;
mod shapes;
mod street;
mod troubles;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value as Json;

use crate::http::Answer;

/// A recorded exchange, by its name.
macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!("../samples/", $name, ".json")))
            .unwrap()
    };
}
pub(super) use sample;

/// The answer of a recorded exchange.
fn answer(sample: &Json) -> Answer {
    let status = u16::try_from(sample["status"].as_u64().unwrap()).unwrap();
    plain(status, &sample["response"]["body"].to_string())
}

fn plain(status: u16, body: &str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}
