//! Policy files and consent, decided together.

#[cfg(test)]
mod consent;
#[cfg(test)]
mod plugins;
#[cfg(test)]
mod world;
