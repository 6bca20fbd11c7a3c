//! Reads what is appended to the files of the journal, as soon as it is there.
//!
//! Who follows the journal by its own program hears of a line up to 250 ms later: journald tells no
//! more often that it wrote. The head of each file says at once where its last entry is. What is
//! read here is what can be read with ease; the rest is left to that program.

#![expect(clippy::disallowed_methods, reason = "this is the place that reads the journal's files")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::Scope;

/// Where journald keeps its files: on the disk, or where there is no place for them there.
const FOLDERS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// How much is read at once; of more than that nothing is.
const READ_MAX: u64 = 1 << 20;
/// How many pieces of data are known to be of no interest.
const DULL_MAX: usize = 1 << 14;

const MAGIC: &[u8] = b"LPKSHHRH";
/// The least head that tells where the last entry is.
const HEAD_LENGTH: usize = 272;
/// What a file may have that has to be known: compressed data in three ways, another way to find
/// data, and short numbers.
const KNOWN: u32 = 0b1_1111;
const COMPACT: u32 = 0b1_0000;
/// Places in the head.
const INCOMPATIBLE: usize = 12;
const HEAD_SIZE: usize = 88;
const LAST_ENTRY: usize = 264;

/// What stands in front of each object: its kind, whether it is compressed, and its size.
const OBJECT_LENGTH: usize = 16;
const FLAGS: usize = 1;
const SIZE: usize = 8;
const ENTRY: u8 = 3;
const DATA: u8 = 1;
const ITEMS: usize = 64;
const PAYLOAD: usize = 64;
const COMPACT_PAYLOAD: usize = 72;

/// The fields of an entry that are wanted, each as `NAME=value`.
pub type Fields = Vec<Vec<u8>>;

/// The files of a journal, from the moment on that this was made.
#[derive(Debug)]
pub struct Appended {
    files: Vec<Watched>,
}

impl Appended {
    /// Looks where the files end in which services write.
    pub fn open(scope: Scope) -> Self {
        let name = match scope {
            Scope::User => format!("user-{}.journal", rustix::process::getuid().as_raw()),
            Scope::System => "system.journal".to_owned(),
        };
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let path = |folder| Path::new(folder).join(machine.trim()).join(&name);
        Self { files: FOLDERS.iter().filter_map(|folder| Watched::new(path(folder))).collect() }
    }

    /// Whether there is anything to look at.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The entries since the last look that hold a field, with others of their fields, of which
    /// the names are told with their `=`.
    pub fn look(&mut self, own: &str, names: &[&str]) -> Vec<Fields> {
        let mut found = Vec::new();
        // What cannot be read once is not looked at again.
        self.files.retain_mut(|file| match file.look(own.as_bytes(), names) {
            Ok(entries) => {
                found.extend(entries);
                true
            }
            Err(_) => false,
        });
        found
    }
}

/// A path at which there is a file now and then: full ones are moved away.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    open: Option<Open>,
}

impl Watched {
    /// None where there is a file that cannot be read.
    fn new(path: PathBuf) -> Option<Self> {
        let open = match File::open(&path) {
            Ok(file) => {
                let mut open = Open::new(file).ok()?;
                open.last = open.head().ok()?.last;
                Some(open)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => return None,
        };
        Some(Self { path, open })
    }

    fn look(&mut self, own: &[u8], names: &[&str]) -> io::Result<Vec<Fields>> {
        let mut found = match &mut self.open {
            Some(open) => open.read(own, names)?,
            None => Vec::new(),
        };
        let identity = fs::metadata(&self.path).map(|found| (found.dev(), found.ino())).ok();
        let is_other = |open: &Open| Some(open.identity) != identity;
        if identity.is_some() && self.open.as_ref().is_none_or(is_other) {
            // All of this one came since the last look.
            let open = self.open.insert(Open::new(File::open(&self.path)?)?);
            found.extend(open.read(own, names)?);
        }
        Ok(found)
    }
}

/// What the head of a file says.
struct Head {
    size: u64,
    is_compact: bool,
    /// Where the last entry is; 0 where there is none.
    last: u64,
}

/// A file, read up to an entry.
#[derive(Debug)]
struct Open {
    file: File,
    identity: (u64, u64),
    last: u64,
    /// Where data is that many entries share and nobody asks for.
    dull: BTreeSet<u64>,
}

impl Open {
    fn new(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self { file, identity: (found.dev(), found.ino()), last: 0, dull: BTreeSet::new() })
    }

    fn head(&self) -> io::Result<Head> {
        let bytes = self.bytes(0, HEAD_LENGTH)?;
        let size = number(&bytes, HEAD_SIZE)?;
        let demands = short(&bytes, INCOMPATIBLE)?;
        let is_known = bytes.starts_with(MAGIC) && demands & !KNOWN == 0;
        if !is_known || size < HEAD_LENGTH as u64 {
            return Err(strange());
        }
        let is_compact = demands & COMPACT != 0;
        Ok(Head { size, is_compact, last: number(&bytes, LAST_ENTRY)? })
    }

    /// The entries since the last one that was read.
    fn read(&mut self, own: &[u8], names: &[&str]) -> io::Result<Vec<Fields>> {
        let head = self.head()?;
        if head.last == self.last {
            return Ok(Vec::new());
        }
        let first = match self.last {
            0 => head.size,
            last => after(last, self.size(last)?)?,
        };
        let end = after(head.last, self.size(head.last)?)?;
        self.last = head.last;
        let length = end.checked_sub(first).ok_or_else(strange)?;
        if length > READ_MAX {
            return Ok(Vec::new());
        }
        let bytes = self.bytes(first, usize::try_from(length).map_err(|_| strange())?)?;
        let piece = Piece { first, bytes, is_compact: head.is_compact };
        self.entries(&piece, own, names)
    }

    fn entries(&mut self, piece: &Piece, own: &[u8], names: &[&str]) -> io::Result<Vec<Fields>> {
        let mut found = Vec::new();
        let mut rest = piece.bytes.as_slice();
        while !rest.is_empty() {
            let size = number(rest, SIZE)?;
            let length = usize::try_from(after(0, size)?).map_err(|_| strange())?;
            let (object, others) = rest.split_at_checked(length).ok_or_else(strange)?;
            if object.first() == Some(&ENTRY) {
                let size = usize::try_from(size).map_err(|_| strange())?;
                let items = object.get(ITEMS..size).ok_or_else(strange)?;
                found.extend(self.fields(piece, items, own, names)?);
            }
            rest = others;
        }
        Ok(found)
    }

    /// The wanted fields of an entry, if it holds a certain one.
    fn fields(
        &mut self,
        piece: &Piece,
        items: &[u8],
        own: &[u8],
        names: &[&str],
    ) -> io::Result<Option<Fields>> {
        let mut is_own = false;
        let mut fields = Vec::new();
        if self.dull.len() > DULL_MAX {
            self.dull.clear();
        }
        for item in items.chunks_exact(if piece.is_compact { 4 } else { 16 }) {
            let place = match piece.is_compact {
                true => u64::from(short(item, 0)?),
                false => number(item, 0)?,
            };
            if self.dull.contains(&place) {
                continue;
            }
            let data = self.data(piece, place)?;
            if data == own {
                is_own = true;
            } else if names.iter().any(|name| data.starts_with(name.as_bytes())) {
                fields.push(data);
            } else {
                self.dull.insert(place);
            }
        }
        Ok(is_own.then_some(fields))
    }

    /// A field as `NAME=value`; one that is compressed, or very long, is as good as none.
    fn data(&self, piece: &Piece, place: u64) -> io::Result<Vec<u8>> {
        let front = match piece.at(place, OBJECT_LENGTH) {
            Some(front) => front,
            None => self.bytes(place, OBJECT_LENGTH)?,
        };
        let size = number(&front, SIZE)?;
        if front.first() != Some(&DATA) {
            return Err(strange());
        }
        if front.get(FLAGS) != Some(&0) || size > READ_MAX {
            return Ok(Vec::new());
        }
        let size = usize::try_from(size).map_err(|_| strange())?;
        let mut data = match piece.at(place, size) {
            Some(data) => data,
            None => self.bytes(place, size)?,
        };
        let start = if piece.is_compact { COMPACT_PAYLOAD } else { PAYLOAD };
        if start > data.len() {
            return Err(strange());
        }
        Ok(data.split_off(start))
    }

    fn size(&self, place: u64) -> io::Result<u64> {
        number(&self.bytes(place, OBJECT_LENGTH)?, SIZE)
    }

    fn bytes(&self, place: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, place)?;
        Ok(bytes)
    }
}

/// A part of a file.
struct Piece {
    first: u64,
    bytes: Vec<u8>,
    is_compact: bool,
}

impl Piece {
    /// Bytes at a place of the file, if they are in this part.
    fn at(&self, place: u64, length: usize) -> Option<Vec<u8>> {
        let start = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.bytes.get(start..start.checked_add(length)?).map(<[u8]>::to_vec)
    }
}

/// Where the object behind one begins: at the next multiple of eight.
fn after(place: u64, size: u64) -> io::Result<u64> {
    let end = place.checked_add(size).and_then(|end| end.checked_next_multiple_of(8));
    end.filter(|_| size >= OBJECT_LENGTH as u64).ok_or_else(strange)
}

fn number(bytes: &[u8], place: usize) -> io::Result<u64> {
    let bytes = bytes.get(place..).and_then(<[u8]>::first_chunk);
    bytes.map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(strange)
}

fn short(bytes: &[u8], place: usize) -> io::Result<u32> {
    let bytes = bytes.get(place..).and_then(<[u8]>::first_chunk);
    bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(strange)
}

fn strange() -> io::Error {
    io::Error::other("it is no file of the journal as it is known")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const OWN: &str = "RUN=1";
    const NAMES: [&str; 2] = ["MESSAGE=", "FROM="];

    /// A file as journald writes it: data that is there already is not written again.
    struct Written {
        path: PathBuf,
        bytes: Vec<u8>,
        data: BTreeMap<String, usize>,
        is_compact: bool,
    }

    impl Written {
        fn new(path: &Path, is_compact: bool) -> Self {
            let mut bytes = vec![0; HEAD_LENGTH];
            bytes[..8].copy_from_slice(MAGIC);
            bytes[INCOMPATIBLE] = if is_compact { 0b1_1100 } else { 0b0_1100 };
            bytes[HEAD_SIZE..HEAD_SIZE + 8].copy_from_slice(&(HEAD_LENGTH as u64).to_le_bytes());
            let mut written =
                Self { path: path.to_owned(), bytes, data: BTreeMap::new(), is_compact };
            written.object(4, 0, &[7; 33]);
            fs::write(path, &written.bytes).unwrap();
            written
        }

        fn object(&mut self, kind: u8, flags: u8, content: &[u8]) -> usize {
            let place = self.bytes.len();
            let size = (OBJECT_LENGTH + content.len()) as u64;
            self.bytes.extend([kind, flags, 0, 0, 0, 0, 0, 0]);
            self.bytes.extend(size.to_le_bytes());
            self.bytes.extend(content);
            self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
            place
        }

        fn data(&mut self, field: &str, flags: u8) -> usize {
            if let Some(place) = self.data.get(field) {
                return *place;
            }
            let start = if self.is_compact { COMPACT_PAYLOAD } else { PAYLOAD };
            let mut content = vec![0; start - OBJECT_LENGTH];
            content.extend(field.as_bytes());
            let place = self.object(DATA, flags, &content);
            self.data.insert(field.to_owned(), place);
            place
        }

        fn entry(&mut self, fields: &[&str]) {
            let places: Vec<usize> = fields.iter().map(|field| self.data(field, 0)).collect();
            self.entry_of(&places);
        }

        fn entry_of(&mut self, places: &[usize]) {
            let mut content = vec![0; ITEMS - OBJECT_LENGTH];
            for place in places {
                let bytes = (*place as u64).to_le_bytes();
                match self.is_compact {
                    true => content.extend(&bytes[..4]),
                    false => content.extend([bytes, [9; 8]].concat()),
                }
            }
            let place = self.object(ENTRY, 0, &content) as u64;
            self.bytes[LAST_ENTRY..LAST_ENTRY + 8].copy_from_slice(&place.to_le_bytes());
            // Something that is no entry stands behind it.
            self.object(6, 0, &[1; 24]);
            fs::write(&self.path, &self.bytes).unwrap();
        }
    }

    fn look(watched: &mut Watched) -> Vec<Vec<String>> {
        let entries = watched.look(OWN.as_bytes(), &NAMES).unwrap();
        let text = |field: Vec<u8>| String::from_utf8(field).unwrap();
        entries.into_iter().map(|entry| entry.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn what_is_appended_is_read_once() {
        for is_compact in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("user.journal");
            let mut written = Written::new(&path, is_compact);
            written.entry(&[OWN, "MESSAGE=before"]);
            let mut watched = Watched::new(path).unwrap();
            assert!(look(&mut watched).is_empty());
            written.entry(&["MESSAGE=other", "HOST=a", "RUN=2", "FROM=x"]);
            assert!(look(&mut watched).is_empty());
            written.entry(&["FROM=x", "HOST=a", OWN, "MESSAGE=one"]);
            written.entry(&["HOST=a", "RUN=12", "MESSAGE=two"]);
            // All of its data was written with others.
            written.entry(&["HOST=a", "MESSAGE=before", "FROM=x", OWN]);
            let found = [["FROM=x", "MESSAGE=one"], ["MESSAGE=before", "FROM=x"]];
            assert_eq!(look(&mut watched), found, "{is_compact}");
            assert!(look(&mut watched).is_empty());
        }
    }

    #[test]
    fn a_file_that_comes_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.journal");
        let mut watched = Watched::new(path.clone()).unwrap();
        assert!(look(&mut watched).is_empty());
        let mut written = Written::new(&path, true);
        assert!(look(&mut watched).is_empty(), "it is empty");
        written.entry(&[OWN, "MESSAGE=first"]);
        assert_eq!(look(&mut watched), [["MESSAGE=first"]]);
        // A full file gets its last entries, and then another name.
        written.entry(&[OWN, "MESSAGE=last"]);
        fs::rename(&path, folder.path().join("user@1.journal")).unwrap();
        Written::new(&path, false).entry(&[OWN, "MESSAGE=next"]);
        assert_eq!(look(&mut watched), [["MESSAGE=last"], ["MESSAGE=next"]]);
        fs::remove_file(&path).unwrap();
        assert!(look(&mut watched).is_empty());
    }

    #[test]
    fn what_is_compressed_or_too_much_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.journal");
        let mut written = Written::new(&path, false);
        let mut watched = Watched::new(path).unwrap();
        let places = [written.data(OWN, 0), written.data("MESSAGE=packed", 4)];
        written.entry_of(&places);
        assert_eq!(look(&mut watched), [Vec::<String>::new()]);
        let long = format!("MESSAGE={}", "x".repeat(2 << 20));
        written.entry(&[OWN, &long]);
        assert!(look(&mut watched).is_empty());
        written.entry(&[OWN, &long]);
        assert_eq!(look(&mut watched), [Vec::<String>::new()]);
        written.entry(&[OWN, "MESSAGE=short"]);
        assert_eq!(look(&mut watched), [["MESSAGE=short"]]);
    }

    #[test]
    fn what_is_no_journal_is_looked_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.journal");
        for bytes in [&b""[..], b"LPKSHHRH", &[b'L'; 4096]] {
            fs::write(&path, bytes).unwrap();
            assert!(Watched::new(path.clone()).is_none());
        }
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert!(Watched::new(folder.path().join("folder")).is_none());
        fs::remove_file(&path).unwrap();
        let watched = Watched::new(path.clone()).unwrap();
        let mut appended = Appended { files: vec![watched] };
        fs::write(&path, [0; 4096]).unwrap();
        assert!(appended.look(OWN, &NAMES).is_empty() && appended.is_empty());
    }

    #[test]
    fn no_byte_of_it_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.journal");
        let mut written = Written::new(&path, true);
        written.entry(&[OWN, "MESSAGE=a"]);
        written.entry(&[OWN, "MESSAGE=b"]);
        let last = number(&written.bytes, LAST_ENTRY).unwrap();
        let whole = written.bytes;
        for place in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = byte;
                fs::write(&path, &bytes).unwrap();
                let mut open = Open::new(File::open(&path).unwrap()).unwrap();
                // Whatever it says, it ends.
                let _said = open.read(OWN.as_bytes(), &NAMES);
            }
            fs::write(&path, &whole[..place]).unwrap();
            let mut open = Open::new(File::open(&path).unwrap()).unwrap();
            let read = open.read(OWN.as_bytes(), &NAMES);
            assert!(read.is_err() || place as u64 > last, "cut at {place}");
        }
    }
}
