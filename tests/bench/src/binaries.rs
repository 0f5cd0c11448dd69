//! The binaries that ship, built as they ship, and the bare one beside them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The functions of the template.
pub(crate) const FUNCTIONS: [&str; 6] = ["webhook", "oauth", "sync", "graphql", "ai", "contract"];
/// A function that greets, and does nothing else.
pub(crate) const BARE: &str = "bare";

/// The folder the binaries are in.
pub(crate) struct Binaries(PathBuf);

impl Binaries {
    /// Builds what is missing or out of date.
    pub(crate) fn build() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--locked", "--quiet"]).stdout(Stdio::null());
        for package in FUNCTIONS.iter().chain([&BARE]) {
            command.args(["--package", package]);
        }
        eprintln!("building the release binaries, which takes minutes the first time");
        let built = command.status().expect("cargo can be called");
        assert!(built.success(), "the release binaries do not build; see above");
        // This program is in `target/release` or `target/debug`.
        let own = std::env::current_exe().expect("this program has a path");
        Self(own.ancestors().nth(2).expect("a target folder").join("release"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}
