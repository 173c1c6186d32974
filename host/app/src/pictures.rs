//! Pictures of recorded desktops: one of a moment, or one of every change.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use ostler_audit::EventClass;
use ostler_recording::Replay;
use ostler_surface::{Framebuffer, png};

use crate::{AppError, Host, Reply};

impl Host {
    /// Writes what a recorded desktop showed at a time as a picture.
    pub(crate) fn recording_picture(&self, id: &str, at: Duration, out: &Path) -> Result<Reply, AppError> {
        let id = self.find_recording(id)?;
        self.audit_recording(EventClass::RecordingExport, id, &out.display().to_string())?;
        let replay = self.recordings.desktop_at(id, self.vault()?.envelope(), at)?;
        write_picture(out, replay.shown())?;
        Ok(Reply::Done(format!("recording {id} was exported to {}", out.display())))
    }

    /// Writes a picture of a recorded desktop for each time that it looked different, at most one for each `every`, into a new folder. A
    /// file is named by its time in microseconds.
    pub(crate) fn recording_pictures(
        &self,
        id: &str,
        every: Duration,
        out: &Path,
    ) -> Result<Reply, AppError> {
        let id = self.find_recording(id)?;
        self.audit_recording(EventClass::RecordingExport, id, &out.display().to_string())?;
        // Refuses a terminal before anything is made.
        self.recordings.desktop_at(id, self.vault()?.envelope(), Duration::ZERO)?;
        DirBuilder::new()
            .mode(0o700)
            .create(out)
            .map_err(|source| AppError::File { file: out.to_owned(), source })?;
        let (mut replay, mut changed, mut written) = (Replay::default(), None, 0_u64);
        let mut write = |replay: &Replay, at: Duration| {
            if !replay.shown().size().fits() {
                return Ok(());
            }
            written += 1;
            write_picture(&out.join(format!("{:012}.png", at.as_micros())), replay.shown())
        };
        for event in self.recordings.events(id, self.vault()?.envelope())? {
            let event = event?;
            // What is due is what was seen until now.
            if let Some(since) = changed
                .take_if(|since: &mut Duration| event.at > *since && event.at >= since.saturating_add(every))
            {
                write(&replay, since)?;
            }
            if replay.take(&event) {
                changed.get_or_insert(event.at);
            }
        }
        if changed.is_some() {
            write(&replay, replay.at())?;
        }
        Ok(Reply::Done(format!("recording {id} was exported as {written} pictures to {}", out.display())))
    }
}

/// Writes a picture to a new file that only the user reads.
fn write_picture(out: &Path, shown: &Framebuffer) -> Result<(), AppError> {
    let bytes = png(shown).map_err(|_| AppError::NoRecording("it shows nothing at that time".to_owned()))?;
    let failed = |source| AppError::File { file: out.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)
}
