//! The folder of one stack: generations are written whole before they are named, and one link
//! tells which is in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::history::{self, Entry, Sought};
use super::journal::{Journal, Phase};
use super::{ConfigurationFile, FileSet, GenerationName, Manifest, Places, Settings, digest};
use crate::host::change::{Entry as Found, Fault, Files, Held, LockError};

mod again;

const CURRENT: &str = "current";
/// The link by which an operation that fails goes back: it is made before anything else, because
/// to rename it needs no room on the disk.
const BACK: &str = "back";
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
    stack: String,
}

/// What is said of a link that somebody spoilt; which generation runs, only people can tell.
const ELSEWHERE: &str = "it is no link to a generation; look which one runs, and put it right by \
                         `ln -sfn generations/NAME current` in that folder";

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
        Self { files, folder: places.stacks.join(stack), stack: stack.to_owned() }
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

    /// The folder of a generation that is written and not named yet.
    pub fn staged_folder(&self, name: &GenerationName) -> PathBuf {
        self.folder.join(GENERATIONS).join(format!(".new-{}", name.number))
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
                let name = name.ok_or_else(|| Fault::other(doing(), ELSEWHERE))?;
                let name = GenerationName::try_from(name.to_owned());
                name.map(Some).map_err(|error| Fault::other(doing(), error))
            }
            Some(_) => Err(Fault::other(doing(), ELSEWHERE)),
        }
    }

    /// Puts a generation into use, or none.
    pub fn switch(&self, to: Option<&GenerationName>) -> Result<(), Fault> {
        let (link, back) = (self.current_link(), self.folder.join(BACK));
        let Some(name) = to else {
            self.files.remove(&link)?;
            return self.files.keep_names(&self.folder);
        };
        let target = Path::new(GENERATIONS).join(name.to_string());
        let leads_there = |path: &Path| -> Result<bool, Fault> {
            Ok(self.files.entry(path)? == Some(Found::Link(target.clone())))
        };
        if leads_there(&link)? {
            return self.files.keep_names(&self.folder);
        }
        if leads_there(&back)? {
            self.files.rename(&back, &link)?;
            return self.files.keep_names(&self.folder);
        }
        self.files.link(&link, &target)
    }

    /// The generations that are there, the oldest first.
    pub fn generations(&self) -> Result<Vec<GenerationName>, Fault> {
        let names = self.files.list(&self.folder.join(GENERATIONS))?.into_iter();
        let mut names: Vec<_> = names.filter_map(|name| name.try_into().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Writes a new generation whole; [`Store::name`] makes it one.
    pub fn stage(&self, set: &FileSet, manifest: &Manifest) -> Result<GenerationName, Fault> {
        let name = self.next_name(manifest)?;
        let staged = self.write(set, manifest, &name);
        if staged.is_err() {
            // What failed is told, and whatever is left is swept away another time.
            drop(self.files.remove_folder(&self.staged_folder(&name)));
        }
        staged.map(|()| name)
    }

    fn write(
        &self,
        set: &FileSet,
        manifest: &Manifest,
        name: &GenerationName,
    ) -> Result<(), Fault> {
        self.put_files(set)?;
        let new = self.staged_folder(name);
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
        self.files.keep_names(&new)
    }

    /// Names a generation that is staged; done where there is none.
    pub fn name(&self, name: &GenerationName) -> Result<(), Fault> {
        let staged = self.staged_folder(name);
        if self.files.entry(&staged)?.is_some() {
            self.files.rename(&staged, &self.generation_folder(name))?;
            self.files.keep_names(&self.folder.join(GENERATIONS))?;
        }
        Ok(())
    }

    /// Takes a generation away that is of no use; done where there is none.
    pub fn discard(&self, name: &GenerationName) -> Result<(), Fault> {
        self.files.remove_folder(&self.staged_folder(name))?;
        let folder = self.generation_folder(name);
        if self.files.entry(&folder)?.is_some() {
            // First the name goes: half a generation must never look like a whole one.
            let old = self.folder.join(GENERATIONS).join(format!(".old-{}", name.number));
            self.files.remove_folder(&old)?;
            self.files.rename(&folder, &old)?;
            self.files.remove_folder(&old)?;
        }
        Ok(())
    }

    /// Takes away what was written or removed by half.
    pub fn sweep(&self) -> Result<(), Fault> {
        let all = self.folder.join(GENERATIONS);
        for file in self.files.list(&all)?.iter().filter(|file| file.starts_with('.')) {
            self.files.remove_folder(&all.join(file))?;
        }
        Ok(())
    }

    /// The next number is above all that were ever used.
    fn next_name(&self, manifest: &Manifest) -> Result<GenerationName, Fault> {
        let mut used: Vec<u64> = self.generations()?.iter().map(|name| name.number).collect();
        let told = self.history()?.into_iter().flat_map(|entry| [entry.from, entry.to]);
        used.extend(told.flatten().map(|name| name.number));
        let number = used.into_iter().max().unwrap_or(0) + 1;
        Ok(GenerationName { number, digest: manifest.mark() })
    }

    fn put_files(&self, set: &FileSet) -> Result<(), Fault> {
        let mut files = set.files.iter();
        files.try_for_each(|(path, file)| self.put_file(&self.folder.join(FILES).join(path), file))
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
        if manifest.mark() != name.digest {
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

    /// Reads the generation in use, for what is done about it: one without a manifest that can be
    /// trusted is damaged, and is there nevertheless. One of a newer program is left to that.
    pub fn in_use(&self) -> Result<Option<Generation>, Fault> {
        let Some(name) = self.current()? else { return Ok(None) };
        let fault = match self.read(&name) {
            Ok(generation) => return Ok(Some(generation)),
            Err(fault) => fault,
        };
        let manifest = self.files.read(&self.generation_folder(&name).join(MANIFEST))?;
        if manifest.is_some_and(|bytes| Manifest::is_newer(&bytes)) {
            return Err(fault);
        }
        self.read_without(&name).map(Some).map_err(|_| fault)
    }

    /// Reads a generation whose manifest cannot be trusted: units tell enough to stop and start
    /// them.
    pub fn read_without(&self, name: &GenerationName) -> Result<Generation, Fault> {
        let set = self.read_units(name)?;
        if set.all_units().next().is_none() {
            return Err(Fault::other(format!("read generation {name}"), "it has no units"));
        }
        let path = self.generation_folder(name).join(MANIFEST);
        let manifest = Manifest::of(&self.stack, &set, Settings::default());
        let damage = vec![Damage { path, what: "cannot be trusted" }];
        Ok(Generation { name: name.clone(), manifest, set, damage })
    }

    /// The units of a generation as far as they can be read, whatever its manifest says.
    pub fn read_units(&self, name: &GenerationName) -> Result<FileSet, Fault> {
        let folder = self.generation_folder(name);
        let mut set = FileSet::default();
        for (kind, texts) in [("units", &mut set.units), ("plain", &mut set.plain)] {
            let folder = folder.join(kind);
            for file in self.files.list(&folder)? {
                let path = folder.join(&file);
                if self.files.entry(&path)? != Some(Found::File) {
                    continue;
                }
                if let Some(bytes) = self.files.read(&path)? {
                    texts.insert(file, String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
        Ok(set)
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
        if let Some(name) = &journal.from {
            let target = Path::new(GENERATIONS).join(name.to_string());
            self.files.link(&self.folder.join(BACK), &target)?;
        }
        // What an earlier operation could not put back is the base of this one: its journal counts
        // no longer, and goes at the end.
        self.files.replace(&self.folder.join(Phase::Begun.file()), &journal.bytes(), 0o600)
    }

    /// Tells how far the operation got.
    pub fn reached(&self, phase: Phase) -> Result<(), Fault> {
        let path = |phase: Phase| self.folder.join(phase.file());
        for known in Phase::ALL {
            if self.files.entry(&path(known))?.is_some() {
                if known != phase {
                    self.files.rename(&path(known), &path(phase))?;
                }
                break;
            }
        }
        self.files.keep_names(&self.folder)
    }

    /// Takes the journal away: there is nothing left to do.
    pub fn end(&self) -> Result<(), Fault> {
        let journals = Phase::ALL.map(Phase::file);
        for file in [BACK].into_iter().chain(journals) {
            self.files.remove(&self.folder.join(file))?;
        }
        self.files.keep_names(&self.folder)
    }

    /// What was done, the oldest first.
    pub fn history(&self) -> Result<Vec<Entry>, Fault> {
        let bytes = self.files.read(&self.folder.join(HISTORY))?;
        Ok(bytes.map(|bytes| history::parse(&bytes)).unwrap_or_default())
    }

    /// What was done last.
    pub fn last(&self) -> Result<Option<Entry>, Fault> {
        let bytes = self.files.read(&self.folder.join(HISTORY))?;
        Ok(bytes.and_then(|bytes| history::last(&bytes)))
    }

    /// Which services are known to have been ready in a run, asked the same: by their units.
    pub fn met(&self, runs: &BTreeMap<String, Sought>) -> Result<BTreeSet<String>, Fault> {
        if runs.is_empty() {
            return Ok(BTreeSet::new());
        }
        let bytes = self.files.read(&self.folder.join(HISTORY))?;
        Ok(bytes.map(|bytes| history::met(&bytes, runs)).unwrap_or_default())
    }

    /// Adds to what was done.
    pub fn remember(&self, entry: &Entry) -> Result<(), Fault> {
        let path = self.folder.join(HISTORY);
        let known = self.files.read(&path)?.unwrap_or_default();
        // A line that a crash cut off must not take this one with it.
        let gap = if known.last().is_none_or(|last| *last == b'\n') { "" } else { "\n" };
        self.files.append(&path, format!("{gap}{}", entry.line()).as_bytes())
    }

    /// Takes away what is no longer needed, and tells which generations went: `keep` of the newest
    /// ones stay, with the one in use and those that are named.
    pub fn tidy(
        &self,
        keep: usize,
        named: &[&GenerationName],
    ) -> Result<Vec<GenerationName>, Fault> {
        self.sweep()?;
        let names = self.generations()?;
        let current = self.current()?;
        let first_kept = names.len().saturating_sub(keep);
        let (mut gone, mut kept) = (Vec::new(), Vec::new());
        for (place, name) in names.into_iter().enumerate() {
            let is_named = named.contains(&&name) || current.as_ref() == Some(&name);
            if place >= first_kept || is_named { kept.push(name) } else { gone.push(name) }
        }
        for name in &gone {
            self.discard(name)?;
        }
        self.tidy_files(&kept)?;
        Ok(gone)
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
