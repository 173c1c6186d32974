//! How often one call of a plugin may ask the store for something: work that the host does for it is not charged.

use super::ostler::types::types::CapabilityError;

/// Counts what one call of a plugin asks of one capability.
pub(super) struct Calls {
    left: u32,
    most: u32,
}

impl Calls {
    pub(super) fn at_most(most: u32) -> Self {
        Self { left: most, most }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// Says `limit` where there are too many.
    pub(super) fn count(&mut self) -> Result<(), CapabilityError> {
        let most = self.most;
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            CapabilityError::Limit(format!("a call asks the store at most {most} times for this"))
        })?;
        Ok(())
    }
}
