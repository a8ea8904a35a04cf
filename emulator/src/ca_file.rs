//! The file with the CA's certificate, for clients to trust.

use crate::error::Error;
use crate::random;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The written file; if nobody asked for it by name, it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct CaFile {
    path: PathBuf,
    temporary_folder: Option<PathBuf>,
}

impl CaFile {
    pub(crate) fn write(wanted: Option<&Path>, pem: &str) -> Result<Self, Error> {
        let file = match wanted {
            // Absolute, because clients find it through the environment, wherever they run.
            Some(path) => Self {
                path: std::path::absolute(path)
                    .map_err(|source| Error::CaFile { path: path.to_owned(), source })?,
                temporary_folder: None,
            },
            None => Self::in_temporary_folder()?,
        };
        fs::write(&file.path, pem).map_err(|source| Error::CaFile { path: file.path.clone(), source })?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn in_temporary_folder() -> Result<Self, Error> {
        let name = format!("entrakey-emulator-{}-{}", std::process::id(), random::base64url(9));
        let folder = std::env::temp_dir().join(name);
        let path = folder.join("ca.pem");
        // `create_dir` fails if the folder is there: nobody else's folder or link is ever used.
        create_private(&folder).map_err(|source| Error::CaFile { path: path.clone(), source })?;
        Ok(Self { path, temporary_folder: Some(folder) })
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary_folder {
            // Nothing can be done about a failure here; the system clears its temporary folder in time.
            let _ = fs::remove_dir_all(folder);
        }
    }
}
