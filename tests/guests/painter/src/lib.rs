//! A launcher for tests that paints a desktop: a gradient, and then something for each key, click, clipboard and new size. The setting
//! `misuse` names a way to use the desktop wrongly; what came of it comes back as the text of an error.

use ostler_sdk::desktop::{self, Area, Change, Pixels, Point, Shape, Size};
use ostler_sdk::driver::{Buttons, DriveError, DriveRequest, Driver, EndReason, Event, next_event};
use ostler_sdk::launcher::{
    DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan,
};
use ostler_sdk::types::{CapabilityError, Endpoint};

struct Painter;

ostler_sdk::export_plugin!(Painter, kinds: [launcher, driver]);

const SIZE: Size = Size { width: 320, height: 200 };

impl Launcher for Painter {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("painter", "Painter", 5900)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let target = Endpoint::new(&request.host, request.port);
        Ok(DrivenPlan { target, surface: DrivenSurface::Desktop }.into())
    }
}

impl Driver for Painter {
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        if let Some(misuse) = request.text("misuse")? {
            return Err(DriveError::Refused(misused(misuse)));
        }
        desktop::resize(SIZE)?;
        desktop::show(&[gradient(SIZE)])?;
        let (mut size, mut keys) = (SIZE, 0_u16);
        loop {
            match next_event(None) {
                Event::Key(key) if key.down => {
                    keys += 1;
                    let at = Area { x: keys * 13 % 300, y: keys * 7 % 180, width: 10, height: 10 };
                    let [blue, green, red, _] = key.keysym.to_le_bytes();
                    let copied = Area { x: 200, y: 100, width: 60, height: 40 };
                    desktop::show(&[
                        Change::fill(at, [blue, green, red]),
                        Change::copy(Point { x: 0, y: 0 }, copied),
                    ])?;
                }
                Event::Pointer(pointer) if pointer.buttons != Buttons::empty() => {
                    let at = Area {
                        x: pointer.at.x.min(size.width - 3),
                        y: pointer.at.y.min(size.height - 3),
                        width: 3,
                        height: 3,
                    };
                    desktop::show(&[Change::fill(at, [0, 0, 255])])?;
                }
                Event::ResizeDesktop(new) => {
                    size = Size { width: new.width, height: new.height };
                    desktop::resize(size)?;
                    desktop::show(&[gradient(size)])?;
                }
                Event::Clipboard(text) => desktop::clipboard(&text)?,
                Event::Close => return Ok(EndReason::ClosedHere),
                _ => {}
            }
        }
    }
}

fn gradient(size: Size) -> Change {
    let at = Area { x: 0, y: 0, width: size.width, height: size.height };
    let pixel = |y: u16| (0..size.width).flat_map(move |x| [x as u8, y as u8, (x ^ y) as u8, 255]);
    Change::pixels(at, (0..size.height).flat_map(pixel).collect())
}

fn misused(how: &str) -> String {
    let area = |x, y, width, height| Area { x, y, width, height };
    let resized = desktop::resize(SIZE);
    let shape = |side: u16| Shape {
        size: Size { width: side, height: side },
        hot: Point { x: 0, y: 0 },
        bytes: vec![0; usize::from(side) * usize::from(side) * 4],
    };
    let outcome: Result<(), CapabilityError> = match how {
        "nothing" => resized,
        "size" => desktop::resize(Size { width: 9000, height: 1 }),
        "outside" => desktop::show(&[Change::fill(area(319, 0, 2, 1), [0, 0, 0])]),
        "copy" => desktop::show(&[Change::copy(Point { x: 319, y: 0 }, area(0, 0, 2, 1))]),
        "short" => desktop::show(&[Change::Pixels(Pixels { at: area(0, 0, 2, 1), bytes: vec![0; 7] })]),
        "many" => desktop::show(&vec![Change::fill(area(0, 0, 1, 1), [0, 0, 0]); 4097]),
        "pointer" => desktop::pointer(Some(&shape(257))),
        "good-pointer" => desktop::pointer(Some(&shape(256))),
        "clipboard" => desktop::clipboard(&"x".repeat((1 << 20) + 1)),
        "terminal" => ostler_sdk::terminal::show(b"text"),
        // In pieces, and each piece of more than a megabyte.
        "large" => desktop::resize(Size { width: 2048, height: 1024 })
            .and_then(|()| desktop::show(&[gradient(Size { width: 2048, height: 1024 })])),
        "largest" | "too-large" => {
            let size = Size { width: 4096, height: 4096 };
            let mut changes = vec![Change::pixels(area(0, 0, 4096, 4096), vec![9; 64 << 20])];
            if how == "too-large" {
                changes.push(Change::pixels(area(0, 0, 1, 1), vec![0; 4]));
            }
            desktop::resize(size).and_then(|()| desktop::show(&changes))
        }
        other => return format!("it can't do '{other}'"),
    };
    format!("{outcome:?}")
}
