//! The adapters against the stand-ins and against canned answers: every request fits the published descriptions,
//! every answer has one meaning.

#![expect(clippy::excessive_nesting, reason = "a table of cases inside a walk over three providers")]

mod calls;
mod lives;
mod outcomes;
mod samples;
mod signatures;
mod street;
