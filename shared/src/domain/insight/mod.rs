//! What we ask a language model, what we accept as its answer, and every figure that code computes without one.
//!
//! A model words; it never counts. Nothing here calls a model, waits or reads a clock.

pub mod answer;
pub mod attempt;
pub mod automation;
pub mod budget;
pub mod churn;
pub mod clean;
pub mod cost;
pub mod features;
pub mod gathered;
pub mod job;
pub mod lead_score;
pub mod losses;
pub mod mirrored;
pub mod monthly;
pub mod operation;
pub mod policy;
pub mod prompt;
pub mod request;
pub mod score;
pub mod settings;
pub mod template_text;
pub mod usage;
