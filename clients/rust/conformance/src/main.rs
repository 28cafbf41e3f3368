//! The executor of the Rust client: actions in on stdin, results out on stdout. What the cases are and how they are run
//! is in tests/conformance.

mod executor;
mod results;

use std::io::{ErrorKind, Read, Write, stdin, stdout};

use prost::Message;

use crate::executor::Executor;

/// The corpus' own messages, generated. Those of the contract are the client's.
#[allow(clippy::all, clippy::pedantic, dead_code, missing_docs, rustdoc::all)]
mod pb {
    include!("generated/asktell.conformance.v1.rs");
}

/// The error of this program itself, which ends it.
type Fault = Box<dyn std::error::Error>;

fn main() -> Result<(), Fault> {
    // Heartbeats go on in the workers while this thread waits for the next action.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut executor = Executor::default();
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    while let Some(action) = read(&mut input)? {
        let result = match runtime.block_on(executor.execute(action.kind.ok_or("an action without a kind")?)) {
            Ok(kind) => kind,
            Err(error) => results::failed(&error),
        };
        write(&mut output, &pb::Result { kind: Some(result) })?;
    }
    runtime.block_on(executor.reset());
    Ok(())
}

/// The next action; `None` at the end of the input.
fn read(input: &mut impl Read) -> Result<Option<pb::Action>, Fault> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut payload = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    input.read_exact(&mut payload)?;
    Ok(Some(pb::Action::decode(payload.as_slice())?))
}

fn write(output: &mut impl Write, result: &pb::Result) -> Result<(), Fault> {
    let payload = result.encode_to_vec();
    output.write_all(&u32::try_from(payload.len())?.to_be_bytes())?;
    output.write_all(&payload)?;
    Ok(output.flush()?)
}
