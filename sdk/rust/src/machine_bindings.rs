//! The bindings of the capabilities of the machine, generated from the WIT packages. As all bindings, nothing for authors:
//! what they need is re-exported by the modules of this crate.
#![expect(missing_docs, reason = "generated code; the WIT files have the documentation")]

wit_bindgen::generate!({
    inline: "
        package ostler:sdk-machine;
        world machine {
            import ostler:files/files@0.1.0;
            import ostler:process/process@0.1.0;
            import ostler:inbound/inbound@0.1.0;
        }
    ",
    path: [
        "../../plugin-api/wit/types-0.1.0",
        "../../plugin-api/wit/files-0.1.0",
        "../../plugin-api/wit/process-0.1.0",
        "../../plugin-api/wit/inbound-0.1.0",
    ],
    with: { "ostler:types/types@0.1.0": crate::bindings::capabilities::ostler::types::types },
    additional_derives: [PartialEq, Eq],
    generate_unused_types: true,
    generate_all,
});
