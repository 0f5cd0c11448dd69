//! Objects on disk: a folder for each bucket, in it a folder for each key, in it two files for each version, the
//! bytes and what is known of them. It checks nothing; the service does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use super::signature::{escape, unescape};

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Counts from 1 at each key.
    pub id: u32,
    /// True for the mark that a removal leaves.
    pub deleted: bool,
    pub content_type: String,
    /// The SHA-256 that came with the bytes, in base64; none came with an object that says nothing of it.
    pub sha256: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub written_ms: i64,
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// The buckets.
pub(super) struct Shelf {
    folder: PathBuf,
    /// Held while files are read or written.
    order: Mutex<()>,
}

impl Shelf {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, order: Mutex::new(()) }
    }

    pub(super) fn create_bucket(&self, bucket: &str) {
        fs::create_dir_all(self.folder.join(bucket)).expect("a folder that can be written");
    }

    /// Names that are folders and nothing else, so that no request leads out of ours.
    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        let named = bucket.chars().all(plain) && !bucket.starts_with('.');
        (3..=63).contains(&bucket.len()) && named && self.folder.join(bucket).is_dir()
    }

    /// Adds a version at a key and returns its id. The id that comes with `version` does not count.
    pub(super) fn add(&self, bucket: &str, key: &str, version: Version) -> u32 {
        let _order = self.order();
        let folder = self.place(bucket, key);
        fs::create_dir_all(&folder).expect("a folder that can be written");
        let id = ids(&folder).last().map_or(1, |last| last + 1);
        // What is known of it comes last: until then nobody sees the version.
        fs::write(bytes_file(&folder, id), &version.bytes).expect("a file that can be written");
        let known = serde_json::to_vec(&Version { id, ..version }).expect("plain values");
        fs::write(folder.join(format!("{id:08}.json")), known).expect("a file that can be written");
        id
    }

    pub(super) fn current(&self, bucket: &str, key: &str) -> Option<Version> {
        let _order = self.order();
        let folder = self.place(bucket, key);
        ids(&folder).last().map(|id| read(&folder, *id))
    }

    pub(super) fn versions(&self, bucket: &str, key: &str) -> Vec<Version> {
        let _order = self.order();
        let folder = self.place(bucket, key);
        ids(&folder).into_iter().map(|id| read(&folder, id)).collect()
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        let _order = self.order();
        let mut keys = Vec::new();
        for entry in fs::read_dir(self.folder.join(bucket)).into_iter().flatten() {
            let folder = entry.expect("a folder that can be read").path();
            let there = ids(&folder).last().is_some_and(|id| !read(&folder, *id).deleted);
            let name = folder.file_name().and_then(|name| name.to_str()).and_then(unescape);
            keys.extend(name.filter(|_| there));
        }
        keys.sort();
        keys
    }

    pub(super) fn overwrite(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let _order = self.order();
        let folder = self.place(bucket, key);
        let id = *ids(&folder).last().expect("an object to damage");
        fs::write(bytes_file(&folder, id), bytes).expect("a file that can be written");
    }

    fn place(&self, bucket: &str, key: &str) -> PathBuf {
        self.folder.join(bucket).join(escape(key, false))
    }

    fn order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().expect("nobody panics while writing")
    }
}

fn bytes_file(folder: &Path, id: u32) -> PathBuf {
    folder.join(format!("{id:08}.bin"))
}

/// The ids of the versions in a key's folder, oldest first.
fn ids(folder: &Path) -> Vec<u32> {
    let mut found: Vec<u32> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.parse().ok())
        .collect();
    found.sort_unstable();
    found
}

fn read(folder: &Path, id: u32) -> Version {
    let known = fs::read(folder.join(format!("{id:08}.json"))).expect("a file of ours");
    let version: Version = serde_json::from_slice(&known).expect("a file of ours");
    Version { bytes: fs::read(bytes_file(folder, id)).expect("a file of ours"), ..version }
}
