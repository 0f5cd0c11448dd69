//! `cargo benchmark`: what the shipped binaries cost. Start-up beside a bare function, calls and dollars per
//! thousand records, and a back-fill of 100,000 members on a stepped clock.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that is confused must stop, and its figures are what it prints"
)]
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "times and ratios are for people; money is counted in whole picodollars"
)]

mod binaries;
mod counts;
mod gates;
mod memory;
mod prices;
mod process;
mod scale;
mod show;
mod startup;
mod work;

use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use self::binaries::Binaries;
use self::gates::Gate;

/// Measures the release binaries and the work of a sync. Everything runs on this machine.
#[derive(Debug, Parser)]
struct Args {
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// End with 1 if a figure is beyond its limit.
    #[arg(long)]
    check: bool,
    /// Starts of each binary.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    starts: u32,
    /// Members of the large back-fill; each has a membership or two, and payments.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    members: u32,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    startup: Vec<startup::Started>,
    counts: counts::Counts,
    memory: memory::Memory,
    scale: scale::Scale,
    gates: Vec<Gate>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // The first subscriber stays: log lines are measured, not kept.
    shared::lambda::telemetry::start("info", work::Logs);
    let members = usize::try_from(args.members).expect("a number of members");
    let binaries = Binaries::build();
    eprintln!("start-up: {} starts of each binary", args.starts);
    let startup = startup::measure(&binaries, args.starts).await;
    eprintln!("calls per thousand records");
    let counts = counts::measure().await;
    let (few, fewest) = (members / 10, 6_000); // Fewer than a hundred pages say nothing about growth.
    eprintln!("memory: the sync binary works off {} members", few.max(fewest));
    let memory = memory::measure(&binaries, few.max(fewest)).await;
    eprintln!("scale: {members} members");
    let scale = scale::measure(members).await;
    let gates = gates::all(&startup, &counts, &memory, &scale);
    let report = Report { startup, counts, memory, scale, gates };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).expect("figures are JSON"));
    } else {
        show::tables(&report);
    }
    let failed = report.gates.iter().filter(|gate| !gate.holds).count();
    if args.check && failed > 0 {
        eprintln!("{failed} figures are beyond their limits");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
