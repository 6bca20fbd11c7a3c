//! A disk in memory that knows what it has flushed, so that a power cut can take the rest.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use stackwright::host::change::Entry;

/// Files and folders as inodes, and names that lead to them.
#[derive(Debug, Clone)]
pub struct Disk {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    /// Whether a name that is moved or taken away is only kept after a flush of its folder, which
    /// is less than what is promised.
    pub is_lazy: bool,
}

#[derive(Debug, Clone)]
enum Node {
    File(Vec<u8>, u32),
    Link(PathBuf),
    Folder(Folder),
}

/// The names in a folder: as everybody sees them, as they are flushed, and what is between.
#[derive(Debug, Clone, Default)]
struct Folder {
    now: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Put(String, u64),
    Take(String),
    Move(String, String),
}

impl Folder {
    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.pending.push(change);
    }

    fn flush(&mut self) {
        self.kept.clone_from(&self.now);
        self.pending.clear();
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &Change) {
    match change {
        Change::Put(name, node) => {
            names.insert(name.clone(), *node);
        }
        Change::Take(name) => {
            names.remove(name);
        }
        Change::Move(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

const ROOT: u64 = 0;

/// Links that lead on to links end somewhere.
const DEPTH_MAX: usize = 20;

/// What became of an operation; the error is in the words of the system.
pub type Done = Result<(), &'static str>;

impl Default for Disk {
    fn default() -> Self {
        let nodes = BTreeMap::from([(ROOT, Node::Folder(Folder::default()))]);
        Self { nodes, next: 1, is_lazy: false }
    }
}

impl Disk {
    fn add(&mut self, node: Node) -> u64 {
        self.next += 1;
        self.nodes.insert(self.next, node);
        self.next
    }

    fn folder(&self, id: u64) -> Option<&Folder> {
        match self.nodes.get(&id) {
            Some(Node::Folder(folder)) => Some(folder),
            _ => None,
        }
    }

    fn folder_mut(&mut self, id: u64) -> &mut Folder {
        match self.nodes.get_mut(&id) {
            Some(Node::Folder(folder)) => folder,
            other => panic!("{other:?} is no folder"),
        }
    }

    /// Where a path leads in the end, and what is there.
    fn walk(&self, path: &Path, follow_last: bool, depth: usize) -> Option<(PathBuf, u64)> {
        let (mut at, mut id) = (PathBuf::from("/"), ROOT);
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            let name = match part {
                Component::Normal(name) => name.to_str().unwrap(),
                Component::ParentDir => {
                    at.pop();
                    id = self.walk(&at, true, depth + 1)?.1;
                    continue;
                }
                _ => continue,
            };
            let child = *self.folder(id)?.now.get(name)?;
            match self.nodes.get(&child)? {
                Node::Link(target) if follow_last || parts.peek().is_some() => {
                    if depth > DEPTH_MAX {
                        return None;
                    }
                    (at, id) = self.walk(&at.join(target), true, depth + 1)?;
                }
                _ => {
                    at.push(name);
                    id = child;
                }
            }
        }
        Some((at, id))
    }

    fn find(&self, path: &Path, follow_last: bool) -> Option<&Node> {
        self.nodes.get(&self.walk(path, follow_last, 0)?.1)
    }

    /// The folder that a path's last name is in, with that name.
    fn place(&self, path: &Path) -> Result<(u64, String), &'static str> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let (_, id) = self.walk(parent, true, 0).ok_or("No such file or directory")?;
        self.folder(id).ok_or("Not a directory")?;
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("Invalid argument")?;
        Ok((id, name.to_owned()))
    }

    /// Where a path leads, all links followed.
    pub fn real(&self, path: &Path) -> Option<PathBuf> {
        self.walk(path, true, 0).map(|(path, _)| path)
    }

    /// What stands at a path itself.
    pub fn entry(&self, path: &Path) -> Option<Entry> {
        Some(match self.find(path, false)? {
            Node::File(..) => Entry::File,
            Node::Link(target) => Entry::Link(target.clone()),
            Node::Folder(_) => Entry::Folder,
        })
    }

    /// A file without following a last link.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, &'static str> {
        match self.find(path, false) {
            None => Ok(None),
            Some(Node::File(bytes, _)) => Ok(Some(bytes.clone())),
            Some(Node::Link(_)) => Err("Too many levels of symbolic links"),
            Some(Node::Folder(_)) => Err("Is a directory"),
        }
    }

    /// The text of a file, all links followed; for those who read units.
    pub fn text(&self, path: &Path) -> Option<String> {
        match self.find(path, true)? {
            Node::File(bytes, _) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The names in a folder, all links followed; none where there is no folder.
    pub fn list(&self, path: &Path) -> Vec<String> {
        match self.find(path, true) {
            Some(Node::Folder(folder)) => folder.now.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a path leads to a folder.
    pub fn is_folder(&self, path: &Path) -> bool {
        matches!(self.find(path, true), Some(Node::Folder(_)))
    }

    pub fn make_folder(&mut self, path: &Path) -> Done {
        let mut at = PathBuf::from("/");
        for part in path.components().skip(1) {
            at.push(part);
            match self.find(&at, true) {
                Some(Node::Folder(_)) => {}
                Some(_) => return Err("Not a directory"),
                None => {
                    let (parent, name) = self.place(&at)?;
                    let new = self.add(Node::Folder(Folder::default()));
                    let folder = self.folder_mut(parent);
                    folder.change(Change::Put(name, new));
                    folder.flush();
                }
            }
        }
        Ok(())
    }

    pub fn write_new(&mut self, path: &Path, bytes: &[u8], mode: u32) -> Done {
        let (parent, name) = self.place(path)?;
        if self.folder_mut(parent).now.contains_key(&name) {
            return Err("File exists");
        }
        let new = self.add(Node::File(bytes.to_vec(), mode));
        self.folder_mut(parent).change(Change::Put(name, new));
        Ok(())
    }

    fn put(&mut self, path: &Path, node: Node) -> Done {
        let (parent, name) = self.place(path)?;
        if matches!(self.find(path, false), Some(Node::Folder(_))) {
            return Err("Is a directory");
        }
        let new = self.add(node);
        let folder = self.folder_mut(parent);
        folder.change(Change::Put(name, new));
        folder.flush();
        Ok(())
    }

    pub fn replace(&mut self, path: &Path, bytes: &[u8], mode: u32) -> Done {
        self.put(path, Node::File(bytes.to_vec(), mode))
    }

    pub fn link(&mut self, path: &Path, target: &Path) -> Done {
        self.put(path, Node::Link(target.to_owned()))
    }

    pub fn append(&mut self, path: &Path, more: &[u8]) -> Done {
        let (mut bytes, mode) = match self.find(path, false) {
            None => (Vec::new(), 0o600),
            Some(Node::File(bytes, mode)) => (bytes.clone(), *mode),
            Some(_) => return Err("Not a regular file"),
        };
        bytes.extend(more);
        self.put(path, Node::File(bytes, mode))
    }

    fn moved(&mut self, id: u64) {
        let is_lazy = self.is_lazy;
        if let Some(Node::Folder(folder)) = self.nodes.get_mut(&id).filter(|_| !is_lazy) {
            folder.flush();
        }
    }

    pub fn rename(&mut self, from: &Path, to: &Path) -> Done {
        let (old_folder, old) = self.place(from)?;
        let (new_folder, new) = self.place(to)?;
        let node = *self.folder_mut(old_folder).now.get(&old).ok_or("No such file or directory")?;
        let there = self.folder_mut(new_folder).now.get(&new).copied();
        match there.and_then(|there| self.nodes.get(&there)) {
            Some(Node::Folder(folder)) if !folder.now.is_empty() => {
                return Err("Directory not empty");
            }
            _ => {}
        }
        if old_folder == new_folder {
            self.folder_mut(old_folder).change(Change::Move(old, new));
        } else {
            self.folder_mut(old_folder).change(Change::Take(old));
            self.folder_mut(new_folder).change(Change::Put(new, node));
        }
        self.moved(old_folder);
        self.moved(new_folder);
        Ok(())
    }

    pub fn remove(&mut self, path: &Path) -> Done {
        let Ok((parent, name)) = self.place(path) else { return Ok(()) };
        match self.find(path, false) {
            None => Ok(()),
            Some(Node::Folder(_)) => Err("Is a directory"),
            Some(_) => {
                self.folder_mut(parent).change(Change::Take(name));
                self.moved(parent);
                Ok(())
            }
        }
    }

    pub fn remove_folder(&mut self, path: &Path) -> Done {
        let Ok((parent, name)) = self.place(path) else { return Ok(()) };
        match self.find(path, false) {
            None => Ok(()),
            Some(Node::Folder(_)) => {
                self.folder_mut(parent).change(Change::Take(name));
                self.moved(parent);
                Ok(())
            }
            Some(_) => Err("Not a directory"),
        }
    }

    /// Takes half of what is in a folder away, as a process that dies while it does so.
    pub fn remove_half(&mut self, path: &Path) {
        let names = self.list(path);
        for name in names.iter().take(names.len().div_ceil(2)) {
            let inner = path.join(name);
            let gone = match self.entry(&inner) {
                Some(Entry::Folder) => self.remove_folder(&inner),
                _ => self.remove(&inner),
            };
            gone.unwrap();
        }
    }

    pub fn keep_names(&mut self, path: &Path) -> Done {
        let (_, id) = self.walk(path, true, 0).ok_or("No such file or directory")?;
        self.folder(id).ok_or("Not a directory")?;
        self.folder_mut(id).flush();
        Ok(())
    }

    /// Loses what was not flushed: each such change is asked for whether it came through.
    pub fn lose_power(&mut self, mut came_through: impl FnMut() -> bool) {
        for node in self.nodes.values_mut() {
            if let Node::Folder(folder) = node {
                for change in std::mem::take(&mut folder.pending) {
                    if came_through() {
                        apply(&mut folder.kept, &change);
                    }
                }
                folder.now.clone_from(&folder.kept);
            }
        }
    }

    /// All files and links below a folder, with what they hold and their permissions.
    pub fn tree(&self, path: &Path) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        for name in self.list(path) {
            let inner = path.join(name);
            match self.find(&inner, false) {
                Some(Node::File(bytes, mode)) => {
                    let text = format!("{mode:o} {}", String::from_utf8_lossy(bytes));
                    all.insert(inner, text);
                }
                Some(Node::Link(target)) => {
                    all.insert(inner, format!("-> {}", target.display()));
                }
                Some(Node::Folder(_)) => {
                    let below = self.tree(&inner);
                    if below.is_empty() {
                        all.insert(inner, "a folder".to_owned());
                    }
                    all.extend(below);
                }
                None => {}
            }
        }
        all
    }
}
