//! A function with two triggers: API Gateway, which waits for the answer, and a queue, which does not.

use std::future::Future;

use aws_lambda_events::sqs::SqsEvent;
use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Service};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::{RawValue, to_raw_value};

use super::http::{Reply, Request, http_answers};
use super::queue::{Batch, answer_invocation};
use super::telemetry;
use crate::app::App;
use crate::error::Result;
use crate::job::Job;

/// What tells an event of SQS from one of API Gateway.
#[derive(Deserialize)]
struct Peek {
    #[serde(rename = "Records")]
    records: Option<IgnoredAny>,
}

type Answer = std::result::Result<Box<RawValue>, lambda_runtime::Error>;

/// Serves a function behind API Gateway and a queue until the process ends.
pub async fn serve_both<H, HF, J, Q, QF>(http: H, queue: Q) -> Result<(), lambda_runtime::Error>
where
    H: Fn(&'static App, Request) -> HF + Copy + Send + Sync + 'static,
    HF: Future<Output = Result<Reply>> + Send + 'static,
    J: Job,
    Q: Fn(&'static App, Batch<J>) -> QF + Copy + Send + Sync + 'static,
    QF: Future<Output = Vec<Result<()>>> + Send + 'static,
{
    let app = App::from_env()?;
    telemetry::start(&app.config().log_level, std::io::stdout);
    let serve = move |event: LambdaEvent<Box<RawValue>>| -> BoxFuture<'static, Answer> {
        Box::pin(async move {
            let LambdaEvent { payload, context } = event;
            if serde_json::from_str::<Peek>(payload.get())?.records.is_some() {
                let event: SqsEvent = serde_json::from_str(payload.get())?;
                let answer = answer_invocation(app, LambdaEvent::new(event, context), queue).await;
                return Ok(to_raw_value(&answer)?);
            }
            let request: LambdaRequest = serde_json::from_str(payload.get())?;
            let mut adapter = Adapter::from(service_fn(http_answers(app, http)));
            let Ok(answer) = adapter.call(LambdaEvent::new(request, context)).await;
            Ok(to_raw_value(&answer)?)
        })
    };
    lambda_runtime::run(service_fn(serve)).await
}
