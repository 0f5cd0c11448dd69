//! What must be true of every story, said when its stack ends: no request of ours was one that a provider of language
//! models would refuse by its own description, however long ago, and whether or not the story looked.
//!
//! It says nothing over a story that failed already, and nothing where people play.

use crate::Stack;

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        assert_eq!(self.ai.last_word(), Vec::<String>::new(), "requests outside the providers' descriptions");
    }
}
