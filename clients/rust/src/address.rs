//! Addresses of servers.

use std::fmt;

const DEFAULT_PORT: u16 = 50051;

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// As it stands in a URL: an IPv6 address in brackets.
    host: String,
    port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Addresses with commas between; none at all means the default.
pub(crate) fn parse_all(text: &str) -> Result<Vec<Address>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut addresses = parts.map(parse).collect::<Result<Vec<_>, _>>()?;
    if addresses.is_empty() {
        addresses.push(Address { host: "localhost".to_owned(), port: DEFAULT_PORT });
    }
    Ok(addresses)
}

fn parse(text: &str) -> Result<Address, String> {
    if text.contains('/') {
        return Err(format!("an address is host:port, got {text:?} (a path or scheme; TLS has a setting of its own)"));
    }
    let bracketed = text.starts_with('[');
    if !bracketed && text.matches(':').count() > 1 {
        return Err(format!("an address is host:port, with IPv6 as in [::1]:50051; got {text:?}"));
    }
    let split = if bracketed { text.rfind(']').map(|end| end + 1) } else { text.find(':') };
    let (host, port) = text.split_at(split.unwrap_or(text.len()));
    let port = match port.strip_prefix(':') {
        Some(number) => number.parse().ok().filter(|port| *port != 0),
        None => port.is_empty().then_some(DEFAULT_PORT),
    };
    let sound = if bracketed {
        host.ends_with(']') && host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && !host.contains(char::is_whitespace)
    };
    match port {
        Some(port) if sound => Ok(Address { host: host.to_owned(), port }),
        _ => Err(format!("an address is host:port, got {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_all;

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
            let found = parse_all(text).unwrap();
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(","), want);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["http://localhost", "a/b", "::1", "a:b", "a:0", "a:70000", ":1", "[::1", "[a]:1", "a b:1"] {
            assert!(parse_all(text).is_err(), "{text}");
        }
    }
}
