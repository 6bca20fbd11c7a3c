//! Asks for a page by HTTP/1.1, without TLS, redirects or anything kept between two requests.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::clock;

/// How much of a page is read.
const PAGE_MAX: u64 = 16 << 20;
/// How many bytes the head of an answer may have.
const HEAD_MAX: usize = 64 << 10;

/// The parts of an address such as `http://host:80/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address<'a> {
    /// The host, without brackets.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// Host and port as they are written.
    authority: &'a str,
    /// What is asked for.
    path: String,
}

impl<'a> Address<'a> {
    /// Takes an address apart; an error tells why it cannot be asked.
    pub fn parse(url: &'a str) -> Result<Self, String> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(format!("`{url}` is no address of a page"));
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(format!("`{scheme}` is not spoken here, only `http`"));
        }
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(format!("`{url}` names a user; give it as a header"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = port.map_or(Ok(80), str::parse).map_err(|_| format!("`{url}` has no port"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host, port, authority, path })
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The beginning of what it sent.
    pub body: Vec<u8>,
}

/// Asks one of the servers, the first that takes a connection.
pub fn get(
    servers: &[SocketAddr],
    address: &Address<'_>,
    headers: &[(String, String)],
    until: Duration,
) -> Result<Page, String> {
    let mut stream = connect(servers, until)?;
    let mut request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", address.path, address.authority);
    let own = [("User-Agent", "stackwright"), ("Accept", "*/*"), ("Connection", "close")];
    let given = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.into_iter().chain(given) {
        // A line end would begin another header, or another request.
        if [name, value].iter().any(|part| part.contains(['\r', '\n', '\0'])) {
            return Err(format!("the header `{}` holds a line end", name.escape_debug()));
        }
        write!(request, "{name}: {value}\r\n").unwrap_or_default();
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| said(&error))?;
    let answer = read(&mut stream, until)?;
    page(&answer)
}

/// Connects to the first server that takes it.
pub fn connect(servers: &[SocketAddr], until: Duration) -> Result<TcpStream, String> {
    let mut first = None;
    for server in servers {
        let left = clock::left(until).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(server, left) {
            Ok(stream) => {
                let limited = stream.set_read_timeout(Some(left));
                let limited = limited.and_then(|()| stream.set_write_timeout(Some(left)));
                return limited.map(|()| stream).map_err(|error| said(&error));
            }
            Err(error) => {
                first.get_or_insert_with(|| format!("{server}: {}", said(&error)));
            }
        }
    }
    Err(first.unwrap_or_else(|| "there is nobody to ask".to_owned()))
}

/// All that comes until the server has said enough or the time is up.
fn read(stream: &mut TcpStream, until: Duration) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    let mut buffer = [0; 16 << 10];
    while (answer.len() as u64) < PAGE_MAX && !is_whole(&answer) {
        let left = clock::left(until);
        if left.is_zero() {
            return Err("the answer did not come to its end".to_owned());
        }
        stream.set_read_timeout(Some(left)).map_err(|error| said(&error))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(said(&error)),
        }
    }
    Ok(answer)
}

/// Whether an answer is complete, though its server may keep the connection open.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = parts(answer) else { return false };
    if let Some(length) = header(&head, "content-length") {
        return length.parse().is_ok_and(|length: usize| body.len() >= length);
    }
    // The last piece ends so; all of them are only looked at when it may have come.
    answer.ends_with(b"\r\n\r\n") && is_chunked(&head) && chunks(body).1
}

/// The head of an answer as text, and what stands behind it.
fn parts(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).take(HEAD_MAX).position(|four| four == b"\r\n\r\n")?;
    let (head, rest) = answer.split_at_checked(end)?;
    Some((String::from_utf8_lossy(head).into_owned(), rest.get(4..)?))
}

fn header<'h>(head: &'h str, wanted: &str) -> Option<&'h str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

fn is_chunked(head: &str) -> bool {
    let coding = header(head, "transfer-encoding").unwrap_or("");
    coding.to_ascii_lowercase().ends_with("chunked")
}

fn page(answer: &[u8]) -> Result<Page, String> {
    let Some((head, body)) = parts(answer) else {
        return Err("what answers there speaks no HTTP".to_owned());
    };
    let mut words = head.lines().next().unwrap_or("").split(' ');
    let speaks = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words.next().and_then(|status| status.parse().ok()).filter(|_| speaks);
    let Some(status) = status else { return Err("what answers there speaks no HTTP".to_owned()) };
    let body = if is_chunked(&head) { chunks(body).0 } else { body.to_vec() };
    Ok(Page { status, body })
}

/// What a body that came in pieces says, and whether the last piece came.
fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return (body, false);
        };
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let length = line.split(';').next().unwrap_or("").trim();
        let Ok(length) = usize::from_str_radix(length, 16) else { return (body, false) };
        if length == 0 {
            return (body, true);
        }
        let piece = rest.get(end + 2..).unwrap_or_default();
        body.extend(piece.get(..length.min(piece.len())).unwrap_or_default());
        let Some(next) = piece.get(length.saturating_add(2)..) else { return (body, false) };
        rest = next;
    }
}

/// What the system says, in plain words.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        io::ErrorKind::ConnectionReset => "the connection was cut".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn addresses_are_taken_apart() {
        let parse = |url| Address::parse(url).map(|one| (one.host, one.port, one.path));
        assert_eq!(
            parse("http://localhost:3001/api?x#y"),
            Ok(("localhost", 3001, "/api?x".into()))
        );
        assert_eq!(parse("HTTP://[::1]:80"), Ok(("::1", 80, "/".into())));
        assert_eq!(parse("http://[::1]"), Ok(("::1", 80, "/".into())));
        assert_eq!(parse("http://web?x=1"), Ok(("web", 80, "/?x=1".into())));
        for bad in ["localhost", "https://a/", "http://a:b/", "http://a:99999"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pieces_are_put_together() {
        assert_eq!(
            chunks(b"4\r\nWiki\r\n5;x=1\r\npedia\r\n0\r\n\r\n"),
            (b"Wikipedia".to_vec(), true)
        );
        assert_eq!(chunks(b"4\r\nWi"), (b"Wi".to_vec(), false));
        assert_eq!(chunks(b"zz\r\n"), (Vec::new(), false));
        assert_eq!(chunks(b"ffffffffffffffff\r\nx"), (b"x".to_vec(), false));
    }

    /// Answers one request with some bytes, and keeps the connection open where it shall.
    fn answered(bytes: &'static [u8], stays: bool) -> Result<Page, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(bytes).unwrap();
            if stays {
                drop(stream.read(&mut asked));
            }
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let address = Address::parse("http://a.example:8080/x").unwrap();
        let headers = [("X-Key".to_owned(), "v".to_owned())];
        let until = clock::now() + Duration::from_secs(20);
        let page = get(&[server], &address, &headers, until);
        let asked = serving.join().unwrap();
        assert!(asked.starts_with("GET /x HTTP/1.1\r\nHost: a.example:8080\r\n"), "{asked}");
        assert!(asked.ends_with("X-Key: v\r\n\r\n"), "{asked}");
        page
    }

    #[test]
    fn answers_are_read_in_every_form() {
        let page = |status, body: &str| Ok(Page { status, body: body.as_bytes().to_vec() });
        let open = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(answered(open, true), page(200, "ok"));
        let pieces = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
        assert_eq!(answered(pieces, true), page(404, "no"));
        assert_eq!(answered(b"HTTP/1.0 503 Later\r\n\r\nlater", false), page(503, "later"));
        let other = answered(b"SSH-2.0-x\r\n\r\n", false);
        assert_eq!(other, Err("what answers there speaks no HTTP".to_owned()));
    }

    #[test]
    fn who_does_not_listen_is_told() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = Address::parse("http://x/").unwrap();
        let until = clock::now() + Duration::from_secs(5);
        let refused = get(&[closed], &address, &[], until).unwrap_err();
        assert_eq!(refused, format!("{closed}: nobody listens there"));
        let header = [("a\r\nb".to_owned(), String::new())];
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(get(&[server.local_addr().unwrap()], &address, &header, until).is_err());
    }
}
