//! From the first byte to the desktop: versions 3.3, 3.7 and 3.8, security, and the first size (RFC 6143, section 7.1 to 7.3).

use super::bytes::{Reader, Stop};
use super::client::{Act, Options, Outbox};
use super::fault::Fault;
use super::picture::Size;
use super::security::{self, OverTls, Security};

/// The most bytes of a reason or a name that are read.
const MOST_WORDS: usize = 64 << 10;
/// The most characters of a reason that are shown.
const MOST_SHOWN: usize = 300;
/// What a repeater wants to know, in a message of this length (UltraVNC).
const REPEATER_MESSAGE: usize = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V3_3,
    V3_7,
    V3_8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Version,
    Security,
    VeNCryptVersion,
    VeNCryptAccepted,
    VeNCryptTypes,
    VeNCryptReady(OverTls),
    Challenge,
    /// The host works out the answer.
    Answer,
    Result,
    /// Why the log-in failed.
    WrongPassword,
    /// Why the server refuses.
    Refused,
    Init,
}

/// How far it is.
#[derive(Debug)]
pub(super) struct Handshake {
    step: Step,
    version: Version,
    met_repeater: bool,
    /// Whether a challenge was answered.
    answered: bool,
}

impl Handshake {
    pub(super) const fn new() -> Self {
        Self { step: Step::Version, version: Version::V3_8, met_repeater: false, answered: false }
    }

    /// Takes the answer to the challenge.
    pub(super) fn answer(&mut self, answer: &[u8], out: &mut Outbox) {
        if self.step == Step::Answer {
            out.send(answer);
            (self.step, self.answered) = (Step::Result, true);
        }
    }

    /// Says what it means that the server closes the wire now.
    pub(super) fn closed(&self) -> Fault {
        match self.step {
            Step::Version => Fault::NotRfb,
            Step::WrongPassword => Fault::WrongPassword("it gave no reason".to_owned()),
            Step::Result if self.answered => Fault::WrongPassword("it closed the connection".to_owned()),
            _ => Fault::Refused("it closed the connection".to_owned()),
        }
    }

    /// Takes one step; returns the desktop's size with the last one.
    pub(super) fn step(
        &mut self,
        from: &mut Reader<'_>,
        options: &Options,
        out: &mut Outbox,
    ) -> Result<Option<Size>, Stop> {
        self.step = match self.step {
            Step::Version => self.version(from, options, out)?,
            Step::Security if self.version == Version::V3_3 => self.only_type(from, options, out)?,
            Step::Security => self.types(from, options, out)?,
            Step::VeNCryptVersion => {
                let [major, minor] = from.array()?;
                if (major, minor) < (0, 2) {
                    return Err(Fault::Order("the server's VeNCrypt is older than 0.2").into());
                }
                out.send(&[0, 2]);
                Step::VeNCryptAccepted
            }
            Step::VeNCryptAccepted if from.u8()? == 0 => Step::VeNCryptTypes,
            Step::VeNCryptAccepted => {
                return Err(Fault::Order("the server does not accept VeNCrypt 0.2").into());
            }
            Step::VeNCryptTypes => {
                let count = from.u8()?;
                let types = from.bytes(usize::from(count) * 4)?.as_chunks().0;
                let types: Vec<u32> = types.iter().copied().map(u32::from_be_bytes).collect();
                let type_ = security::choose_over_tls(&types, options.password)?;
                out.send(&type_.number().to_be_bytes());
                Step::VeNCryptReady(type_)
            }
            Step::VeNCryptReady(type_) => {
                if from.u8()? != 1 {
                    return Err(Fault::Refused("it can't begin TLS".to_owned()).into());
                }
                out.push(Act::StartTls);
                match type_ {
                    OverTls::None => Step::Result,
                    OverTls::VncAuthentication => Step::Challenge,
                }
            }
            Step::Challenge => {
                let challenge = from.array()?;
                if !options.password {
                    return Err(Fault::PasswordMissing.into());
                }
                out.push(Act::Challenge(challenge));
                Step::Answer
            }
            // It speaks again when it has the answer.
            Step::Answer => return Err(Stop::Short),
            Step::Result => self.result(from, options, out)?,
            Step::WrongPassword => return Err(Fault::WrongPassword(words(from)?).into()),
            Step::Refused => return Err(Fault::Refused(words(from)?).into()),
            Step::Init => return init(from).map(Some),
        };
        Ok(None)
    }

    fn version(&mut self, from: &mut Reader<'_>, options: &Options, out: &mut Outbox) -> Result<Step, Stop> {
        // Whoever does not begin like this is told so at once; it may have sent all that it has to say.
        if !b"RFB ".starts_with(from.peek(4)) {
            return Err(Fault::NotRfb.into());
        }
        let line: [u8; 12] = from.array()?;
        let text = std::str::from_utf8(&line).unwrap_or_default();
        let numbers = text.strip_prefix("RFB ").and_then(|rest| rest.strip_suffix('\n'));
        let numbers = numbers.and_then(|numbers| numbers.split_once('.'));
        let number = |digits: &str| digits.parse::<u16>().map_err(|_| Fault::NotRfb);
        let (major, minor) = numbers.ok_or(Fault::NotRfb)?;
        let version = (number(major)?, number(minor)?);
        match (&options.repeater, version) {
            (Some(server), (0, 0)) if !self.met_repeater => {
                self.met_repeater = true;
                let mut message = server.as_bytes().to_vec();
                message.resize(REPEATER_MESSAGE, 0);
                out.send(&message);
                return Ok(Step::Version);
            }
            (_, (0, 0)) => return Err(Fault::Repeater.into()),
            (Some(_), _) if !self.met_repeater => return Err(Fault::NoRepeater.into()),
            _ => {}
        }
        // Apple says 3.889, RealVNC 4 and 5; whatever else there is below 3.7 means 3.3 (RFC 6143, section 7.1.1).
        let answer: &[u8] = match version {
            version if version >= (3, 8) => {
                self.version = Version::V3_8;
                b"RFB 003.008\n"
            }
            (3, 7) => {
                self.version = Version::V3_7;
                b"RFB 003.007\n"
            }
            _ => {
                self.version = Version::V3_3;
                b"RFB 003.003\n"
            }
        };
        out.send(answer);
        Ok(Step::Security)
    }

    /// In 3.3 the server says which.
    fn only_type(&self, from: &mut Reader<'_>, options: &Options, out: &mut Outbox) -> Result<Step, Stop> {
        let type_ = from.u32()?;
        if type_ == 0 {
            return Ok(Step::Refused);
        }
        let offered = [u8::try_from(type_).unwrap_or(u8::MAX)];
        match security::choose(&offered, options.tls, options.password)? {
            // There is no result in 3.3 where nothing was asked.
            Security::None => Ok(self.log_in_done(options, out)),
            Security::VncAuthentication => Ok(Step::Challenge),
            Security::VeNCrypt => Ok(Step::VeNCryptVersion),
        }
    }

    fn types(&self, from: &mut Reader<'_>, options: &Options, out: &mut Outbox) -> Result<Step, Stop> {
        let count = from.u8()?;
        if count == 0 {
            return Ok(Step::Refused);
        }
        let offered = from.bytes(count.into())?;
        let chosen = security::choose(offered, options.tls, options.password)?;
        out.send(&[chosen.number()]);
        Ok(match chosen {
            Security::None if self.version < Version::V3_8 => self.log_in_done(options, out),
            Security::None => Step::Result,
            Security::VncAuthentication => Step::Challenge,
            Security::VeNCrypt => Step::VeNCryptVersion,
        })
    }

    fn result(&self, from: &mut Reader<'_>, options: &Options, out: &mut Outbox) -> Result<Step, Stop> {
        let failed = from.u32()? != 0;
        match (failed, self.answered) {
            (false, _) => Ok(self.log_in_done(options, out)),
            (true, true) if self.version == Version::V3_8 => Ok(Step::WrongPassword),
            (true, true) => Err(Fault::WrongPassword("it gave no reason".to_owned()).into()),
            (true, false) if self.version == Version::V3_8 => Ok(Step::Refused),
            (true, false) => Err(Fault::Refused("it gave no reason".to_owned()).into()),
        }
    }

    /// Says whether others may stay.
    fn log_in_done(&self, options: &Options, out: &mut Outbox) -> Step {
        out.send(&[options.shared.into()]);
        Step::Init
    }
}

/// Reads the size; the server's format of pixels and the name are not of use.
fn init(from: &mut Reader<'_>) -> Result<Size, Stop> {
    let (width, height) = (from.u16()?, from.u16()?);
    let size = Size::of_desktop(width, height)?;
    from.bytes(16)?;
    let name = from.length("the desktop's name", MOST_WORDS)?;
    from.bytes(name)?;
    Ok(size)
}

/// Reads the server's own words, fit for a line of an error.
fn words(from: &mut Reader<'_>) -> Result<String, Stop> {
    let length = from.length("the server's reason", MOST_WORDS)?;
    let words = String::from_utf8_lossy(from.bytes(length)?).into_owned();
    let printable = words.chars().map(|character| if character.is_control() { ' ' } else { character });
    Ok(printable.take(MOST_SHOWN).collect::<String>().trim().to_owned())
}
