//! Each binary from its start to its first answer and on, beside the bare one. AWS is reached over TLS, name
//! resolution and handshakes included.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sim::aws::{RuntimeHost, Tls};
use sim::clock::Clock;
use sim::whop::{Delivery, SignedDelivery};
use stack::{Ask, Options, Stack, fixtures, gateway};
use tempfile::NamedTempFile;

use crate::binaries::{BARE, Binaries, FUNCTIONS};
use crate::process::{cpu_ns, kilobytes};

/// Requests after the first one.
const WARM: u32 = 50;
const LONG: Duration = Duration::from_secs(20);

/// Medians over all starts of one binary.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Started {
    pub(crate) name: &'static str,
    pub(crate) starts: u32,
    pub(crate) ready_ms: f64,
    /// Processor time until the first answer.
    pub(crate) first_cpu_ms: f64,
    /// From the hand-over of the first event to its answer.
    pub(crate) first_answer_ms: f64,
    pub(crate) warm_cpu_ms: f64,
    /// Resident after the first answer, and at the most.
    pub(crate) rss_mb: f64,
    pub(crate) peak_rss_mb: f64,
    pub(crate) binary_mb: f64,
    /// Each figure as a multiple of the bare function's.
    pub(crate) ratio: Ratio,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Ratio {
    pub(crate) ready: f64,
    pub(crate) first_cpu: f64,
    pub(crate) warm_cpu: f64,
    pub(crate) rss: f64,
    pub(crate) binary: f64,
}

/// One start.
struct Sample {
    ready_ms: f64,
    first_cpu_ms: f64,
    first_answer_ms: f64,
    warm_cpu_ms: f64,
    rss_mb: f64,
    peak_rss_mb: f64,
}

/// What the binaries run against.
struct Street {
    stack: Stack,
    env: Vec<(String, String)>,
    delivery: SignedDelivery,
    // Both end with the measurement.
    _tls: Tls,
    _authority: NamedTempFile,
}

/// Starts every binary `starts` times, in turn, so that what else the machine does meets all of them alike.
pub(crate) async fn measure(binaries: &Binaries, starts: u32) -> Vec<Started> {
    let street = street().await;
    let names: Vec<&'static str> = [BARE].into_iter().chain(FUNCTIONS).collect();
    let mut samples: Vec<Vec<Sample>> = names.iter().map(|_| Vec::new()).collect();
    for _ in 0..starts {
        for (name, samples) in names.iter().zip(&mut samples) {
            samples.push(street.start(&binaries.path(name), name).await);
        }
    }
    let medians = names.iter().zip(&samples);
    let mut all: Vec<Started> =
        medians.map(|(&name, samples)| median(name, samples, binaries.path(name))).collect();
    let bare = all[0].clone();
    for it in &mut all {
        it.ratio = Ratio {
            ready: it.ready_ms / bare.ready_ms,
            first_cpu: it.first_cpu_ms / bare.first_cpu_ms,
            warm_cpu: it.warm_cpu_ms / bare.warm_cpu_ms,
            rss: it.rss_mb / bare.rss_mb,
            binary: it.binary_mb / bare.binary_mb,
        };
    }
    all
}

/// A connected shop in the machine's own time, with a delivery to accept.
async fn street() -> Street {
    let stack = Stack::with(Options { clock: Clock::system(), ..Options::default() }).await;
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    let account = fixtures::connected(&stack, 3).await.account;
    let variant = stack.whop.variants(&account)[0]["id"].as_str().unwrap().to_owned();
    stack.whop.buy(&account, "Zoë Marchetti", "zoe@example.com", &variant);
    let delivery = stack.whop.take_deliveries().into_iter().next().expect("a live connection");
    let mut tls = Tls::default();
    let mut authority = NamedTempFile::new().expect("a temporary file");
    authority.write_all(tls.authority().as_bytes()).expect("a temporary file");
    let mut env = stack.environment();
    for (name, url) in &mut env {
        if name.starts_with("AWS_ENDPOINT_URL") {
            *url = tls.in_front_of(url).await.expect("a free port");
        }
    }
    env.insert("AWS_CA_BUNDLE".to_owned(), authority.path().to_str().unwrap().to_owned());
    Street { env: env.into_iter().collect(), stack, delivery, _tls: tls, _authority: authority }
}

impl Street {
    async fn start(&self, binary: &std::path::Path, name: &str) -> Sample {
        let host = RuntimeHost::start(binary, &self.env, name).await;
        let ready = host.ready().await.unwrap_or_else(|| panic!("{name} does not start: {:?}", host.log()));
        let pid = host.pid().expect("a running process");
        let first = self.invoke(&host, name).await;
        let first_cpu = cpu_ns(pid);
        let (rss, peak) = (kilobytes(pid, "VmRSS"), kilobytes(pid, "VmHWM"));
        for _ in 0..WARM {
            self.invoke(&host, name).await;
        }
        let warm_cpu = cpu_ns(pid) - first_cpu;
        host.stop().await;
        Sample {
            ready_ms: ready.as_secs_f64() * 1e3,
            first_cpu_ms: first_cpu as f64 / 1e6,
            first_answer_ms: first.as_secs_f64() * 1e3,
            warm_cpu_ms: warm_cpu as f64 / 1e6 / f64::from(WARM),
            rss_mb: rss as f64 / 1024.0,
            peak_rss_mb: peak as f64 / 1024.0,
        }
    }

    async fn invoke(&self, host: &RuntimeHost, name: &str) -> Duration {
        let invocation = host.invoke(self.event(name), LONG).await;
        let answer = invocation.result.unwrap_or_else(|error| panic!("{name}: {error} {:?}", host.log()));
        if name == "webhook" {
            assert_eq!(answer["statusCode"], 200, "the delivery is not accepted: {answer} {:?}", host.log());
        }
        invocation.duration
    }

    /// The event of each function; the webhook's is signed for the present moment.
    fn event(&self, name: &str) -> Value {
        let sample = |text: &str| serde_json::from_str(text).expect("a sample event");
        match name {
            "oauth" => sample(include_str!("../../../events/oauth-settings.json")),
            "sync" => sample(include_str!("../../../events/sync-start-due.json")),
            "graphql" => sample(include_str!("../../../events/graphql.json")),
            "ai" => sample(include_str!("../../../events/ai.json")),
            "contract" => sample(include_str!("../../../events/contract.json")),
            _ => delivery_event(&self.stack, &self.delivery),
        }
    }
}

/// A delivery as API Gateway hands it over, signed for the present moment.
pub(crate) fn delivery_event(stack: &Stack, delivery: &SignedDelivery) -> Value {
    gateway::event(&delivery_ask(stack, delivery))
}

/// A delivery as Whop posts it, signed for the present moment.
pub(crate) fn delivery_ask(stack: &Stack, delivery: &SignedDelivery) -> Ask {
    let delivery = stack.whop.sign_again(delivery);
    let path = delivery.url.strip_prefix(&stack.url).expect("an address of ours");
    let mut ask = Ask::new("POST", path);
    ask.body = delivery.body.to_vec();
    delivery.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

fn median(name: &'static str, samples: &[Sample], binary: PathBuf) -> Started {
    let middle = |figure: fn(&Sample) -> f64| {
        let mut figures: Vec<f64> = samples.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let bytes = fs::metadata(binary).expect("a binary that was just run").len();
    Started {
        name,
        starts: u32::try_from(samples.len()).expect("a few starts"),
        ready_ms: middle(|it| it.ready_ms),
        first_cpu_ms: middle(|it| it.first_cpu_ms),
        first_answer_ms: middle(|it| it.first_answer_ms),
        warm_cpu_ms: middle(|it| it.warm_cpu_ms),
        rss_mb: middle(|it| it.rss_mb),
        peak_rss_mb: middle(|it| it.peak_rss_mb),
        binary_mb: bytes as f64 / 1024.0 / 1024.0,
        ratio: Ratio::default(),
    }
}
