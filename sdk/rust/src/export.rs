//! Between the exports of a component and the traits of this crate.
//!
//! The macro exports only the kinds that it is given, and on the target of components only: natively a plugin crate is an
//! ordinary library. Never catches a panic: one ends the instance, and the host says so.

use crate::importer::{Failure, Feed, Importer, Options, Summary};

/// Makes a crate a plugin: embeds its manifest and exports its kinds.
///
/// The kinds are `importer` and `launcher`; the type implements [`Importer`] and [`Launcher`](crate::launcher::Launcher)
/// accordingly, and `kinds` in the manifest says the same. A launcher that drives sessions names `driver` beside it, which is no kind
/// of the manifest, and implements [`Driver`](crate::driver::Driver). The manifest is `plugin.toml` beside `Cargo.toml`, or the file
/// that `manifest` names, seen from there; it becomes the custom section `ostler:plugin.toml`. Call it once in a crate.
///
/// ```text
/// ostler_sdk::export_plugin!(MyPlugin, kinds: [importer]);
/// ostler_sdk::export_plugin!(MyPlugin, kinds: [importer, launcher], manifest: "doc/plugin.toml");
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty, kinds: [$($kind:ident),+ $(,)?] $(,)?) => {
        $crate::export_plugin!($plugin, kinds: [$($kind),+], manifest: "plugin.toml");
    };
    ($plugin:ty, kinds: [$($kind:ident),+ $(,)?], manifest: $manifest:literal $(,)?) => {
        const _: () = {
            // Read in native builds too, so that one that is missing is found early.
            const MANIFEST: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $manifest));
            assert!(!MANIFEST.is_empty(), "the manifest is empty");

            #[cfg(target_family = "wasm")]
            #[unsafe(link_section = "ostler:plugin.toml")]
            #[used]
            static SECTION: [u8; MANIFEST.len()] =
                *include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $manifest));
        };
        $( $crate::__export_kind!($kind, $plugin); )+
    };
}

/// Exports one kind; a part of [`export_plugin!`](crate::export_plugin).
#[doc(hidden)]
#[macro_export]
macro_rules! __export_kind {
    (importer, $plugin:ty) => {
        const _: () = {
            type Exported = $crate::__private::ExportedImporter<$plugin>;
            $crate::__private::check_importer::<$plugin>();
            #[cfg(target_family = "wasm")]
    $crate::__private::importer::export_importer!(Exported with_types_in $crate::__private::importer);
        };
    };
    (launcher, $plugin:ty) => {
        const _: () = {
            type Exported = $crate::__private::ExportedLauncher<$plugin>;
            $crate::__private::check_launcher::<$plugin>();
            #[cfg(target_family = "wasm")]
    $crate::__private::launcher::export_launcher!(Exported with_types_in $crate::__private::launcher);
        };
    };
    (driver, $plugin:ty) => {
        const _: () = {
            type Exported = $crate::__private::ExportedDriver<$plugin>;
            $crate::__private::check_driver::<$plugin>();
            #[cfg(target_family = "wasm")]
    $crate::__private::driver::export_driver!(Exported with_types_in $crate::__private::driver);
        };
    };
    ($other:ident, $plugin:ty) => {
        compile_error!(concat!(
            "there is no kind '",
            stringify!($other),
            "'; there are importer, launcher, and driver for a launcher that drives sessions"
        ));
    };
}

/// Runs an importer with checked options, and hands over what is left at its end.
pub(crate) fn parse<I: Importer>(
    options: Vec<(String, String)>,
    feed: &mut Feed,
) -> Result<Summary, Failure> {
    let options = Options::check(options, &I::describe())?;
    let outcome = I::parse(&options, feed);
    feed.flush();
    outcome
}

/// What the macro needs of this crate. Not for authors.
pub mod private {
    use std::marker::PhantomData;

    use crate::driver::Driver;
    use crate::importer::Importer;
    use crate::launcher::Launcher;

    pub use crate::bindings::{driver, importer, launcher};

    /// A driver as a component exports it.
    pub struct ExportedDriver<D>(PhantomData<D>);

    /// Compiles only where the type is a driver.
    pub const fn check_driver<D: Driver>() {}

    #[cfg(target_family = "wasm")]
    impl<D: Driver> driver::exports::ostler::driver::driver::Guest for ExportedDriver<D> {
        fn drive(
            request: crate::driver::DriveRequest,
        ) -> Result<crate::driver::EndReason, crate::driver::DriveError> {
            D::drive(request)
        }
    }

    /// An importer as a component exports it.
    pub struct ExportedImporter<I>(PhantomData<I>);

    /// A launcher as a component exports it.
    pub struct ExportedLauncher<L>(PhantomData<L>);

    /// Compiles only where the type is an importer.
    pub const fn check_importer<I: Importer>() {}

    /// Compiles only where the type is a launcher.
    pub const fn check_launcher<L: Launcher>() {}

    #[cfg(target_family = "wasm")]
    impl<I: Importer> importer::exports::ostler::importer::importer::Guest for ExportedImporter<I> {
        fn describe() -> crate::importer::Info {
            I::describe()
        }

        fn detect(head: Vec<u8>, name: String) -> u8 {
            I::detect(&head, &name)
        }

        fn parse(
            options: Vec<(String, String)>,
        ) -> Result<crate::importer::Summary, crate::importer::Failure> {
            let mut feed = crate::importer::Feed::new(crate::importer::feed::host::File);
            super::parse::<I>(options, &mut feed)
        }
    }

    #[cfg(target_family = "wasm")]
    impl<L: Launcher> launcher::exports::ostler::launcher0_2_0::launcher::Guest for ExportedLauncher<L> {
        fn describe() -> Vec<crate::launcher::KindInfo> {
            L::describe()
        }

        fn plan(
            request: crate::launcher::LaunchRequest,
        ) -> Result<crate::launcher::SessionPlan, crate::launcher::PlanError> {
            L::plan(request)
        }
    }
}
