//! An input: one file, or several that belong together, such as those of a recording.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Files by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// Name and content.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Input {
    /// An input of one file.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self { files: vec![("input".to_owned(), bytes.into())] }
    }

    /// Returns a file; none if it is not there.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(own, _)| own == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// Returns the first file: the whole input, where it is one of one file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.files.first().map_or(&[], |(_, bytes)| bytes)
    }

    /// Reads the files of a directory, in the order of their names.
    ///
    /// # Errors
    /// Fails where they can't be read.
    pub fn read(directory: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        let listed =
            fs::read_dir(directory).with_context(|| format!("{} can't be read", directory.display()))?;
        for entry in listed {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
            }
        }
        files.sort();
        Ok(Self { files })
    }

    /// Makes a directory hold these files and nothing else.
    ///
    /// # Errors
    /// Fails where it can't be written.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        for (name, bytes) in &self.files {
            #[expect(clippy::disallowed_methods, reason = "nobody reads these files before they are whole")]
            fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }

    /// Returns the input as one piece: for each file the lengths of name and content, then both.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        for (name, bytes) in &self.files {
            for part in [name.as_bytes(), bytes] {
                frame.extend((part.len() as u64).to_le_bytes());
                frame.extend(part);
            }
        }
        frame
    }

    /// Takes such a piece apart; what is not whole is left out.
    #[must_use]
    pub fn from_frame(frame: &[u8]) -> Self {
        let mut input = Self::default();
        let mut rest = frame;
        let mut part = || -> Option<Vec<u8>> {
            let (length, behind) = rest.split_first_chunk::<8>()?;
            let (part, behind) =
                behind.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            rest = behind;
            Some(part.to_vec())
        };
        while let (Some(name), Some(bytes)) = (part(), part()) {
            input.files.push((String::from_utf8_lossy(&name).into_owned(), bytes));
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_comes_back_from_a_frame_and_from_a_directory() {
        let files = [("a", b"one".to_vec()), ("b", Vec::new())];
        let input = Input { files: files.map(|(name, bytes)| (name.to_owned(), bytes)).into() };
        let frame = input.to_frame();
        assert_eq!(Input::from_frame(&frame), input);
        assert_eq!(Input::from_frame(&frame[..frame.len() - 1]).files, input.files[..1]);
        let home = tempfile::tempdir().unwrap();
        input.write(&home.path().join("x")).unwrap();
        assert_eq!(Input::read(&home.path().join("x")).unwrap(), input);
    }
}
