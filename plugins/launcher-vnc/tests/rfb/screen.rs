//! A client with a picture: what a person would see.

use launcher_vnc::rfb::{Act, Area, Change, Client, Fault, Options};
use ostler_fakes::vnc::{Picture, Rect};

pub(crate) struct Screen {
    pub(crate) client: Client,
    pub(crate) picture: Picture,
    /// Bytes that were sent.
    pub(crate) sent: Vec<u8>,
    /// What else there was to do.
    pub(crate) acts: Vec<Act>,
}

pub(crate) fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}

/// A rectangle by its numbers.
pub(crate) fn at(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect { x, y, width, height }
}

impl Screen {
    pub(crate) fn new(options: Options) -> Self {
        let picture = Picture::new(1, 1);
        Self { client: Client::new(options), picture, sent: Vec::new(), acts: Vec::new() }
    }

    /// Takes bytes of the server.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.client.feed(bytes);
        self.work()
    }

    /// Does what there is to do.
    pub(crate) fn work(&mut self) -> Result<(), Fault> {
        while let Some(act) = self.client.next_act()? {
            match act {
                Act::Send(bytes) => self.sent.extend(bytes),
                Act::Resize(size) => self.picture.resize(size.width, size.height),
                Act::Show(changes) => {
                    assert!(!changes.is_empty() && changes.len() <= 4096);
                    for change in changes {
                        self.show(change);
                    }
                }
                other => self.acts.push(other),
            }
        }
        Ok(())
    }

    fn show(&mut self, change: Change) {
        match change {
            Change::Pixels { at, bytes } => {
                assert_eq!(bytes.len(), at.pixels() * 4);
                let pixels: Vec<[u8; 3]> =
                    bytes.chunks(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
                self.check(at);
                self.picture.put(rect(at), &pixels);
            }
            Change::Copy { from: (x, y), to } => {
                self.check(Area { x, y, ..to });
                self.check(to);
                self.picture.copy((x, y), rect(to));
            }
            Change::Fill { at, colour } => {
                self.check(at);
                self.picture.change(rect(at), |_, _| colour);
            }
        }
    }

    /// What is shown is on the desktop, and is something.
    fn check(&self, area: Area) {
        assert!(area.width > 0 && area.x + area.width <= self.picture.width, "{area:?}");
        assert!(area.height > 0 && area.y + area.height <= self.picture.height, "{area:?}");
    }

    /// Returns what was sent since the last time.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }
}

/// What comes of bytes that a server sends at once.
pub(crate) fn after(bytes: &[u8]) -> Result<Screen, Fault> {
    let mut screen = Screen::new(Options::default());
    screen.feed(bytes)?;
    Ok(screen)
}
