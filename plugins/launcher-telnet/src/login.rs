//! Logging in: the server's questions for user name and password are looked for in what it shows, and answered once.
//!
//! Pure. The password itself is never here: what is answered is [`Answer::Password`], and the host sends it.

/// What the server is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The user name.
    User,
    /// The password.
    Password,
}

/// Bytes of what was shown last that are looked at.
const LONGEST_PROMPT: usize = 200;

/// Waits for the questions of one log-in.
#[derive(Debug)]
pub struct Login {
    user: Option<String>,
    password: Option<String>,
    shown: String,
}

impl Login {
    /// Waits for the ends of both questions, compared without case; none is not waited for.
    #[must_use]
    pub fn new(user: Option<&str>, password: Option<&str>) -> Self {
        let lower = |prompt: &str| prompt.trim_end().to_lowercase();
        Self { user: user.map(lower), password: password.map(lower), shown: String::new() }
    }

    /// Looks at what the server shows. Each question is answered once: a second one is the person's, who sees that the first answer
    /// did not do.
    pub fn look(&mut self, shown: &[u8]) -> Option<Answer> {
        self.shown.push_str(&String::from_utf8_lossy(shown).to_lowercase());
        let cut = self.shown.len().saturating_sub(LONGEST_PROMPT);
        let cut = (cut..=self.shown.len()).find(|at| self.shown.is_char_boundary(*at)).unwrap_or(0);
        self.shown.drain(..cut);
        let asks = |prompt: &Option<String>| {
            prompt
                .as_deref()
                .is_some_and(|prompt| !prompt.is_empty() && self.shown.trim_end().ends_with(prompt))
        };
        let answer = if asks(&self.password) {
            // Whoever asks for the password asks for no user any more.
            (self.user, self.password) = (None, None);
            Answer::Password
        } else if asks(&self.user) {
            self.user = None;
            Answer::User
        } else {
            return None;
        };
        self.shown.clear();
        Some(answer)
    }

    /// Stops waiting: the person has taken over.
    pub fn give_up(&mut self) {
        (self.user, self.password) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_questions_are_answered_once() {
        let mut login = Login::new(Some("login:"), Some("password:"));
        assert_eq!(login.look(b"Debian\r\nbox lo"), None);
        assert_eq!(login.look(b"gin: "), Some(Answer::User));
        assert_eq!(login.look(b"anna\r\nPass"), None);
        assert_eq!(login.look(b"word: "), Some(Answer::Password));
        assert_eq!(login.look(b"\r\nLogin incorrect\r\nbox login: "), None);
        assert_eq!(login.look(b"Password: "), None, "a second question is the person's");
    }

    #[test]
    fn a_question_within_text_is_none() {
        let mut login = Login::new(Some("login:"), Some("password:"));
        assert_eq!(login.look(b"last login: yesterday"), None);
        assert_eq!(login.look(b"\r\n$ "), None);
    }

    #[test]
    fn nothing_is_answered_once_the_person_has_taken_over() {
        let mut login = Login::new(Some("login:"), Some("password:"));
        login.give_up();
        assert_eq!(login.look(b"login: "), None);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let mut login = Login::new(Some("login:"), None);
        assert_eq!(login.look(&[0xff; 1000]), None);
        assert_eq!(login.look("ä".repeat(500).as_bytes()), None);
        assert_eq!(login.look(b"login:"), Some(Answer::User));
    }
}
