//! The folder of one stack: generations are written whole before they are named, and one link
//! tells which is in use.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::history::{self, Entry};
use super::journal::{Journal, Phase};
use super::{ConfigurationFile, DIGEST_LENGTH, FileSet, GenerationName, Manifest, Places, digest};
use crate::host::change::{Entry as Found, Fault, Files, Held, LockError};

const CURRENT: &str = "current";
const GENERATIONS: &str = "generations";
const FILES: &str = "files";
const MANIFEST: &str = "manifest.json";
const HISTORY: &str = "history";
const UNIT_MODE: u32 = 0o644;

/// What is kept about a stack.
#[derive(Clone)]
pub struct Store<'h> {
    files: &'h dyn Files,
    folder: PathBuf,
}

/// A generation as it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its name.
    pub name: GenerationName,
    /// What it should consist of.
    pub manifest: Manifest,
    /// What it consists of.
    pub set: FileSet,
    /// Where the two differ.
    pub damage: Vec<Damage>,
}

/// A file of a generation that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// Its path.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.what)
    }
}

impl<'h> Store<'h> {
    /// That of a stack.
    pub fn of(files: &'h dyn Files, places: &Places, stack: &str) -> Self {
        Self { files, folder: places.stacks.join(stack) }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The link that is followed by Quadlet and systemd.
    pub fn current_link(&self) -> PathBuf {
        self.folder.join(CURRENT)
    }

    /// The folder of a generation.
    pub fn generation_folder(&self, name: &GenerationName) -> PathBuf {
        self.folder.join(GENERATIONS).join(name.to_string())
    }

    /// Takes the lock of the stack.
    pub fn lock(&self, wait: Duration) -> Result<Box<dyn Held>, LockError> {
        self.files.make_folder(&self.folder).map_err(LockError::Fault)?;
        self.files.lock(&self.folder.join("lock"), wait)
    }

    /// The generation in use.
    pub fn current(&self) -> Result<Option<GenerationName>, Fault> {
        let link = self.current_link();
        let doing = || format!("tell which generation is in use by {}", link.display());
        match self.files.entry(&link)? {
            None => Ok(None),
            Some(Found::Link(target)) => {
                let name = target.strip_prefix(GENERATIONS).ok().and_then(Path::to_str);
                let name = name.ok_or_else(|| Fault::other(doing(), "it leads elsewhere"))?;
                let name = GenerationName::try_from(name.to_owned());
                name.map(Some).map_err(|error| Fault::other(doing(), error))
            }
            Some(_) => Err(Fault::other(doing(), "it is no link")),
        }
    }

    /// Puts a generation into use, or none.
    pub fn switch(&self, to: Option<&GenerationName>) -> Result<(), Fault> {
        if let Some(name) = to {
            let target = Path::new(GENERATIONS).join(name.to_string());
            return self.files.link(&self.current_link(), &target);
        }
        self.files.remove(&self.current_link())?;
        self.files.keep_names(&self.folder)
    }

    /// The generations that are there, the oldest first.
    pub fn generations(&self) -> Result<Vec<GenerationName>, Fault> {
        let names = self.files.list(&self.folder.join(GENERATIONS))?.into_iter();
        let mut names: Vec<_> = names.filter_map(|name| name.try_into().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Writes a new generation whole, and names it then.
    pub fn stage(&self, set: &FileSet, manifest: &Manifest) -> Result<GenerationName, Fault> {
        let name = self.next_name(manifest)?;
        for (path, file) in &set.files {
            self.put_file(&self.folder.join(FILES).join(path), file)?;
        }
        let all = self.folder.join(GENERATIONS);
        let new = all.join(format!(".new-{}", name.number));
        self.files.remove_folder(&new)?;
        for (folder, texts) in [("units", &set.units), ("plain", &set.plain)] {
            let folder = new.join(folder);
            self.files.make_folder(&folder)?;
            for (file, text) in texts {
                self.files.write_new(&folder.join(file), text.as_bytes(), UNIT_MODE)?;
            }
            self.files.keep_names(&folder)?;
        }
        self.files.write_new(&new.join(MANIFEST), manifest.text().as_bytes(), UNIT_MODE)?;
        self.files.keep_names(&new)?;
        self.files.rename(&new, &self.generation_folder(&name))?;
        self.files.keep_names(&all)?;
        Ok(name)
    }

    /// The next number is above all that were ever used.
    fn next_name(&self, manifest: &Manifest) -> Result<GenerationName, Fault> {
        let mut used: Vec<u64> = self.generations()?.iter().map(|name| name.number).collect();
        let told = self.history()?.into_iter().flat_map(|entry| [entry.from, entry.to]);
        used.extend(told.flatten().map(|name| name.number));
        let number = used.into_iter().max().unwrap_or(0) + 1;
        let digest = manifest.digest();
        Ok(GenerationName { number, digest: digest.get(..DIGEST_LENGTH).unwrap_or("").to_owned() })
    }

    /// A configuration file stands by its content, so one that is there is left alone.
    fn put_file(&self, path: &Path, file: &ConfigurationFile) -> Result<(), Fault> {
        let known = match self.files.entry(path)? {
            Some(Found::File) => self.files.read(path)?,
            _ => None,
        };
        if known.as_deref() == Some(file.bytes.as_slice()) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            self.files.make_folder(folder)?;
        }
        self.files.replace(path, &file.bytes, file.mode)
    }

    /// Reads a generation and holds it against its manifest.
    pub fn read(&self, name: &GenerationName) -> Result<Generation, Fault> {
        let folder = self.generation_folder(name);
        let path = folder.join(MANIFEST);
        let doing = || format!("read generation {name}");
        let bytes = self.files.read(&path)?;
        let bytes = bytes.ok_or_else(|| Fault::other(doing(), "its manifest is not there"))?;
        let manifest = Manifest::parse(&bytes).map_err(|error| Fault::other(doing(), error))?;
        if manifest.digest().get(..DIGEST_LENGTH) != Some(name.digest.as_str()) {
            return Err(Fault::other(doing(), "its manifest was changed"));
        }
        let mut generation = Generation {
            name: name.clone(),
            manifest,
            set: FileSet::default(),
            damage: Vec::new(),
        };
        let sums = generation.manifest.files.clone();
        for (path, sum) in &sums {
            self.read_file(&folder, path, sum, &mut generation)?;
        }
        for kind in ["units", "plain"] {
            for file in self.files.list(&folder.join(kind))? {
                if !sums.contains_key(&format!("{kind}/{file}")) {
                    let path = folder.join(kind).join(file);
                    generation.damage.push(Damage { path, what: "was added by hand" });
                }
            }
        }
        Ok(generation)
    }

    fn read_file(
        &self,
        folder: &Path,
        path: &str,
        sum: &str,
        generation: &mut Generation,
    ) -> Result<(), Fault> {
        let (kind, name) = path.split_once('/').unwrap_or(("", path));
        let place = if kind == FILES { self.folder.join(path) } else { folder.join(path) };
        let bytes = match self.files.entry(&place)? {
            Some(Found::File) => self.files.read(&place)?,
            _ => None,
        };
        let Some(bytes) = bytes else {
            generation.damage.push(Damage { path: place, what: "is gone" });
            return Ok(());
        };
        if digest(&bytes) != sum {
            generation.damage.push(Damage { path: place, what: "was changed by hand" });
        }
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match kind {
            "units" => {
                generation.set.units.insert(name.to_owned(), text());
            }
            "plain" => {
                generation.set.plain.insert(name.to_owned(), text());
            }
            _ => {
                let file = ConfigurationFile { bytes, mode: UNIT_MODE };
                generation.set.files.insert(name.to_owned(), file);
            }
        }
        Ok(())
    }

    /// How far an operation got that has not ended, with its journal, if that can be read.
    pub fn journal(&self) -> Result<Option<(Phase, Option<Journal>)>, Fault> {
        for phase in Phase::ALL {
            if let Some(bytes) = self.files.read(&self.folder.join(phase.file()))? {
                return Ok(Some((phase, Journal::parse(&bytes))));
            }
        }
        Ok(None)
    }

    /// Writes down what is about to be done.
    pub fn begin(&self, journal: &Journal) -> Result<(), Fault> {
        // What an earlier operation could not put back is the base of this one.
        self.files.remove(&self.folder.join(Phase::Failed.file()))?;
        self.files.write_new(&self.folder.join(Phase::Begun.file()), &journal.bytes(), 0o600)?;
        self.files.keep_names(&self.folder)
    }

    /// Tells how far the operation got.
    pub fn reached(&self, phase: Phase) -> Result<(), Fault> {
        let begun = self.folder.join(Phase::Begun.file());
        self.files.rename(&begun, &self.folder.join(phase.file()))?;
        self.files.keep_names(&self.folder)
    }

    /// Takes the journal away: there is nothing left to do.
    pub fn end(&self) -> Result<(), Fault> {
        for phase in Phase::ALL {
            self.files.remove(&self.folder.join(phase.file()))?;
        }
        self.files.keep_names(&self.folder)
    }

    /// What was done, the oldest first.
    pub fn history(&self) -> Result<Vec<Entry>, Fault> {
        let bytes = self.files.read(&self.folder.join(HISTORY))?;
        Ok(bytes.map(|bytes| history::parse(&bytes)).unwrap_or_default())
    }

    /// Adds to what was done.
    pub fn remember(&self, entry: &Entry) -> Result<(), Fault> {
        self.files.append(&self.folder.join(HISTORY), entry.line().as_bytes())
    }

    /// Takes away what is no longer needed, and tells which generations went: `keep` of the newest
    /// ones stay, with the one in use and those that are named.
    pub fn tidy(
        &self,
        keep: usize,
        named: &[&GenerationName],
    ) -> Result<Vec<GenerationName>, Fault> {
        let all = self.folder.join(GENERATIONS);
        for file in self.files.list(&all)?.iter().filter(|file| file.starts_with('.')) {
            self.files.remove_folder(&all.join(file))?;
        }
        let names = self.generations()?;
        let current = self.current()?;
        let first_kept = names.len().saturating_sub(keep);
        let (mut gone, mut kept) = (Vec::new(), Vec::new());
        for (place, name) in names.into_iter().enumerate() {
            let is_named = named.contains(&&name) || current.as_ref() == Some(&name);
            if place >= first_kept || is_named { kept.push(name) } else { gone.push(name) }
        }
        for name in &gone {
            self.drop_generation(name)?;
        }
        self.tidy_files(&kept)?;
        Ok(gone)
    }

    /// First the name goes: half a generation must never look like a whole one.
    fn drop_generation(&self, name: &GenerationName) -> Result<(), Fault> {
        let old = self.folder.join(GENERATIONS).join(format!(".old-{}", name.number));
        self.files.rename(&self.generation_folder(name), &old)?;
        self.files.remove_folder(&old)
    }

    /// Takes a generation away that was written and is not to be used.
    pub fn discard(&self, name: &GenerationName) -> Result<(), Fault> {
        self.drop_generation(name)?;
        self.tidy_files(&self.generations()?)
    }

    /// Takes the configuration files away that no generation mounts; none while a manifest cannot
    /// be read.
    fn tidy_files(&self, kept: &[GenerationName]) -> Result<(), Fault> {
        let mut used = BTreeSet::new();
        for name in kept {
            let bytes = self.files.read(&self.generation_folder(name).join(MANIFEST))?;
            let Some(Ok(manifest)) = bytes.map(|bytes| Manifest::parse(&bytes)) else {
                return Ok(());
            };
            let files = manifest.files.keys().filter_map(|path| path.strip_prefix("files/"));
            used.extend(files.filter_map(|path| path.split('/').next()).map(str::to_owned));
        }
        let folder = self.folder.join(FILES);
        for digest in self.files.list(&folder)? {
            if !used.contains(&digest) {
                self.files.remove_folder(&folder.join(digest))?;
            }
        }
        Ok(())
    }

    /// Takes all away that is kept about generations; the history stays.
    pub fn clear(&self) -> Result<(), Fault> {
        self.files.remove_folder(&self.folder.join(GENERATIONS))?;
        self.files.remove_folder(&self.folder.join(FILES))
    }
}
