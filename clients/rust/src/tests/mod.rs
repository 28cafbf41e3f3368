//! Tests against a server that speaks the real protocol over a real connection and answers as a test says: for what a
//! healthy server cannot be made to do. What a real one does is tested by the conformance corpus.

mod creating;
mod errors;
mod leases;
mod lists;
mod retries;
mod server;
mod settings;
mod show;
mod values;
mod words;

use std::fs;
use std::path::Path;

#[test]
fn the_version_is_that_of_the_other_clients() {
    // Not there where the crate has been downloaded alone, without the rest of the repository.
    if let Ok(python) = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/pyproject.toml")) {
        assert!(python.contains(&format!("version = \"{}\"", crate::VERSION)));
    }
}
