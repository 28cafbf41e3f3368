//! Addresses of servers.

use std::net::Ipv6Addr;

use tonic::codegen::http::uri::Authority;

const DEFAULT_PORT: u16 = 50051;

/// `host:port` of each address, which have commas between them; none at all means the default.
pub(crate) fn parse_all(text: &str) -> Result<Vec<String>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut addresses = parts.map(parse).collect::<Result<Vec<_>, _>>()?;
    if addresses.is_empty() {
        addresses.push(format!("localhost:{DEFAULT_PORT}"));
    }
    Ok(addresses)
}

/// An address is what stands between the scheme and the path of a URL, without a user.
fn parse(text: &str) -> Result<String, String> {
    let wrong = "an address is host:port, with IPv6 as in [::1]:50051 and without a scheme or path (TLS has a setting)";
    let refused = || format!("{wrong}; got {text:?}");
    let authority: Authority = text.parse().map_err(|_| refused())?;
    let host = authority.host();
    let port = if text == host { Some(DEFAULT_PORT) } else { authority.port_u16().filter(|port| *port != 0) };
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let sound = !host.is_empty() && !text.contains('@') && inner.is_none_or(|ip| ip.parse::<Ipv6Addr>().is_ok());
    port.filter(|_| sound).map(|port| format!("{host}:{port}")).ok_or_else(refused)
}
