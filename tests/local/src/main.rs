//! The whole product on this machine: to try it out (`cargo local`), or to watch its story (`cargo local demo`).
//! It needs no account, no key and no network, and takes real servers in place of the stand-ins.

mod demo;
mod doors;
mod receipt;
mod serve;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use stack::demo::{Server, Sides};

/// Runs the whole product on this machine, with stand-ins for Whop, Twenty and AWS.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells the whole story unattended and ends: first sync, burst of webhooks, sweeps, receipts.
    Demo(Demo),
}

#[derive(Debug, Args)]
struct Serve {
    /// Members of the demo account at Whop.
    #[arg(long, default_value_t = 200)]
    members: usize,
    /// First of the ports: the product listens here; Whop 10, Twenty 20, AI 30 and e-signature 40 above.
    #[arg(long, default_value_t = 8700, value_parser = clap::value_parser!(u16).range(1024..=65_000))]
    port_base: u16,
    /// What is worth a log line on stderr: error, warn, info or debug.
    #[arg(long, default_value = "warn", value_parser = ["error", "warn", "info", "debug"])]
    log_level: String,
    #[command(flatten)]
    real: Real,
}

#[derive(Debug, Args)]
struct Demo {
    /// Members of the demo account at Whop.
    #[arg(long, default_value_t = 500)]
    members: usize,
    /// One JSON document in place of the tables.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    real: Real,
}

/// Real servers in place of the stand-ins.
#[derive(Debug, Args)]
struct Real {
    /// A real Twenty server, such as `https://crm.example.com`.
    #[arg(long, value_name = "URL", requires = "twenty_key")]
    twenty_url: Option<String>,
    /// An API key of its workspace, with the role Admin.
    #[arg(long, value_name = "KEY", requires = "twenty_url")]
    twenty_key: Option<String>,
    /// An account's API key of real Whop.
    #[arg(long, value_name = "KEY")]
    whop_key: Option<String>,
    /// Another Whop than whop.com, such as its sandbox.
    #[arg(
        long,
        value_name = "URL",
        requires = "whop_key",
        default_value_if("whop_key", clap::builder::ArgPredicate::IsPresent, "https://api.whop.com")
    )]
    whop_url: Option<String>,
}

impl Real {
    fn sides(&self) -> Sides {
        let twenty = self.twenty_url.clone().zip(self.twenty_key.clone());
        Sides { twenty: twenty.map(|(url, key)| Server { url, key }), whop_key: self.whop_key.clone() }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Some(Command::Demo(demo)) => demo::run(demo).await,
        None => serve::run(&cli.serve).await,
    };
    match done {
        Ok(code) => code,
        Err(trouble) => {
            doors::complain(&trouble);
            ExitCode::FAILURE
        }
    }
}
