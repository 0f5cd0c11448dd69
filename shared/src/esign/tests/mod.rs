//! The adapters against the stand-ins and against canned answers: every request fits the published descriptions,
//! every answer has one meaning.

mod calls;
mod lives;
mod outcomes;
mod samples;
mod signatures;
mod street;
