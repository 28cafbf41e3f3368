//! Writes the code of `proto/` and of the conformance corpus that is checked in: users of a crate cannot generate.
//!
//! `asktell-generate INTO`, from the root of the repository; `INTO` is that root, or a copy to compare with. It needs no
//! protoc: protox is one in Rust.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tonic_prost_build::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let into = PathBuf::from(env::args().nth(1).ok_or("usage: asktell-generate INTO")?);
    let mut contract = Vec::new();
    for entry in fs::read_dir("proto/asktell/v1")? {
        contract.push(PathBuf::from("asktell/v1").join(entry?.file_name()));
    }
    contract.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    contract.sort();
    generate(configure(), &contract, &into.join("clients/rust/src/generated"))?;
    let corpus = [PathBuf::from("conformance.proto")];
    // The messages of the contract are the client's.
    let builder = configure().build_server(false).extern_path(".asktell.v1", "::asktell::v1");
    generate(builder, &corpus, &into.join("clients/rust/conformance/src/generated"))
}

/// Servers are for the tests. There are no clients: this one makes its calls through one function of its own
/// (`connection.rs`), which needs no stub for each method.
fn configure() -> Builder {
    tonic_prost_build::configure()
        .build_client(false)
        .server_mod_attribute(".", "#[cfg(test)]")
        .generate_default_stubs(true) // a test's server answers what the test is about
        .btree_map(".")
        .emit_rerun_if_changed(false)
}

fn generate(builder: Builder, files: &[PathBuf], into: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(into)?;
    let descriptors = protox::compile(files, ["proto", "tests/conformance"])?;
    Ok(builder.out_dir(into).compile_fds(descriptors)?)
}
