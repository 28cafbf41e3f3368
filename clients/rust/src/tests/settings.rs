//! Settings of a client.

use std::time::Duration;

use crate::address::parse_all;
use crate::{Client, Error};

#[test]
fn hosts_have_ports() {
    for (text, want) in [
        ("", "localhost:50051"),
        ("a", "a:50051"),
        ("localhost:1", "localhost:1"),
        ("[::1]", "[::1]:50051"),
        ("[::1]:7", "[::1]:7"),
        (" 10.0.0.1:1, b:2,", "10.0.0.1:1,b:2"),
    ] {
        assert_eq!(parse_all(text).unwrap().join(","), want);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in
        ["http://localhost", "a/b", "::1", "a:b", "a:0", "a:70000", ":1", "[::1", "[a]:1", "a b:1", "a:", "me@a:1"]
    {
        assert!(parse_all(text).is_err(), "{text}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for builder in [
        Client::builder().address("http://localhost"),
        Client::builder().timeout(Duration::ZERO),
        Client::builder().token("line\nbreak"),
        Client::builder().tls_ca_file("/none.pem"),
        Client::builder().tls_ca_file(certificates),
    ] {
        assert!(matches!(builder.build(), Err(Error::InvalidSetting { .. })));
    }
}
