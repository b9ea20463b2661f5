//! Files in memory, as many as the budget allows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::load::{Facts, Loaded};
use crate::picture::Picture;

/// Files that are kept besides those in view: the neighbours, and a few to come back to.
const MOST_KEPT: usize = 8;

/// A file in view, or ready to be.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// What it is, once that is known.
    pub facts: Option<Facts>,
    /// Its pixels, as far as they have come.
    pub picture: Option<Arc<Picture>>,
    /// Whether all have.
    pub complete: bool,
    /// Why it cannot be shown.
    pub error: Option<Error>,
    /// When it was last wanted, in turns.
    used: u64,
}

/// The files in memory.
pub struct Documents {
    budget_bytes: usize,
    turn: u64,
    documents: HashMap<PathBuf, Document>,
}

impl Document {
    /// Whether nothing more will come.
    pub fn is_settled(&self) -> bool {
        self.complete || self.error.is_some()
    }

    fn bytes(&self) -> usize {
        self.picture.as_ref().map_or(0, |picture| picture.bytes())
    }

    fn take(&mut self, loaded: Loaded) {
        match loaded {
            Loaded::Facts(facts) => {
                self.picture = Some(Arc::new(Picture::empty(facts.width, facts.height)));
                self.facts = Some(facts);
            }
            Loaded::Patch(patch) => {
                if let Some(picture) = &mut self.picture {
                    Arc::make_mut(picture).patches.push(patch);
                }
            }
            Loaded::Complete => self.complete = true,
            Loaded::Failed(error) => (self.error, self.picture) = (Some(error), None),
        }
    }
}

impl Documents {
    /// Holds pictures of up to so many bytes, and those in view whatever they need.
    pub fn new(budget_bytes: usize) -> Documents {
        Documents { budget_bytes, turn: 0, documents: HashMap::new() }
    }

    /// A file, if anything of it has come.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.documents.get(path)
    }

    /// Takes what the loader tells. A file that begins again forgets what it had, and the rest of one that was let go of half-way is nothing.
    pub fn take(&mut self, path: &Path, loaded: Loaded) {
        let begun = Document { used: self.turn, ..Document::default() };
        match loaded {
            Loaded::Facts(_) => _ = self.documents.insert(path.to_owned(), begun),
            Loaded::Failed(_) => _ = self.documents.entry(path.to_owned()).or_insert(begun),
            Loaded::Patch(_) | Loaded::Complete => {}
        }
        if let Some(document) = self.documents.get_mut(path) {
            document.take(loaded);
        }
    }

    /// Forgets a file, so that it is read again. One that is just being read is new enough.
    pub fn forget(&mut self, path: &Path) {
        if self.get(path).is_some_and(Document::is_settled) {
            self.documents.remove(path);
        }
    }

    /// Lets go of what is over the budget, the longest unused first; `wanted` stay.
    pub fn tidy(&mut self, wanted: &[PathBuf]) {
        self.turn += 1;
        for path in wanted {
            self.documents.entry(path.clone()).and_modify(|document| document.used = self.turn);
        }
        while self.bytes() > self.budget_bytes || self.documents.len() > MOST_KEPT + wanted.len() {
            let unwanted = self.documents.iter().filter(|(_, document)| document.used < self.turn);
            let Some(oldest) = unwanted.min_by_key(|(_, document)| document.used).map(|(path, _)| path.clone()) else { return };
            self.documents.remove(&oldest);
        }
    }

    /// Memory of all pictures.
    pub fn bytes(&self) -> usize {
        self.documents.values().map(Document::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use calotype::Image;

    use super::*;

    fn load(documents: &mut Documents, name: &str) {
        let image = Image { width: 10, height: 10, rgb: vec![1; 300] };
        documents.take(Path::new(name), Loaded::Facts(Facts { width: 10, height: 10, bytes: 9, calo: None, notes: vec![] }));
        documents.take(Path::new(name), Loaded::Patch(Picture::of(&image).patches.remove(0)));
        documents.take(Path::new(name), Loaded::Complete);
    }

    #[test]
    fn memory_stays_within_the_budget() {
        let mut documents = Documents::new(1000);
        for i in 0..50 {
            let names = [format!("{i}"), format!("{}", i + 1)].map(PathBuf::from);
            names.iter().for_each(|name| load(&mut documents, name.to_str().unwrap()));
            documents.tidy(&names);
            assert!(documents.bytes() <= 1000 && names.iter().all(|name| documents.get(name).unwrap().complete));
        }
        assert!(documents.get(Path::new("3")).is_none());
        let all: Vec<PathBuf> = (60..70).map(|i| PathBuf::from(i.to_string())).collect();
        all.iter().for_each(|name| load(&mut documents, name.to_str().unwrap()));
        documents.tidy(&all);
        assert_eq!(documents.bytes(), 3000, "what is in view stays");
    }

    #[test]
    fn what_has_just_come_stays() {
        let mut documents = Documents::new(1 << 20);
        for i in 0..50 {
            let path = PathBuf::from(format!("{i}"));
            documents.take(&path, Loaded::Failed(Error::Folded));
            documents.tidy(&[PathBuf::from("in view")]);
            assert!(documents.get(&path).is_some(), "{i}");
        }
        assert!(documents.documents.len() <= MOST_KEPT + 1);
    }

    /// A file that is opened again while it is being read: its load goes on, and what comes belongs to it.
    #[test]
    fn only_settled_files_are_read_again() {
        let mut documents = Documents::new(1000);
        let path = Path::new("a");
        documents.take(path, Loaded::Facts(Facts { width: 10, height: 10, bytes: 9, calo: None, notes: vec![] }));
        documents.forget(path);
        documents.take(path, Loaded::Complete);
        assert!(documents.get(path).unwrap().facts.is_some());
        documents.forget(path);
        documents.take(path, Loaded::Complete);
        assert!(documents.get(path).is_none(), "complete, without what it is");
    }

    #[test]
    fn errors_take_the_pixels_away() {
        let mut documents = Documents::new(1000);
        load(&mut documents, "a");
        documents.take(Path::new("a"), Loaded::Failed(Error::Folded));
        let document = documents.get(Path::new("a")).unwrap();
        assert!(document.is_settled() && document.picture.is_none() && matches!(document.error, Some(Error::Folded)));
    }
}
