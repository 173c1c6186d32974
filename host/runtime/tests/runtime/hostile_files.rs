//! Hostile files: what no compiler writes, put into an honest plugin byte by byte. Each is refused before anything runs, or
//! costs its own call.
//!
//! What a manifest can try is in the tests of the registry.

use std::time::Duration;

use ostler_runtime::{Limits, LoadError, PluginError};
use wasm_encoder::{
    BlockType, CodeSection, ComponentSection as _, ConstExpr, CustomSection, DataSection, ElementSection,
    Elements, Encode, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, Instruction, MemorySection, MemoryType, Module, ModuleSection, RefType,
    StartSection, TableSection, TableType, TypeSection, ValType,
};

use crate::world::{EVERYTHING, Guest, NOTHING, World, guest, request};
use Outcome::{Compile, Crash, Harmless, Limit};

/// What becomes of a file.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// It is refused at load.
    Compile,
    /// It loads, and the limit of this name ends its call; "ing time" is that of planning or, where others had the processor
    /// meanwhile, of sleeping.
    Limit(&'static str),
    /// It loads, and its call ends by a crash that says this.
    Crash(&'static str),
    /// It loads, and is called as without the attack.
    Harmless,
}

type Attack = (&'static str, fn() -> Vec<Module>, Outcome);

/// Core modules that are made an instance of before the plugin is called.
const MODULES: &[Attack] = &[
    (
        "start-loop",
        || vec![started(&[Instruction::Loop(BlockType::Empty), Instruction::Br(0), Instruction::End])],
        Limit("ing time"),
    ),
    ("start-trap", || vec![started(&[Instruction::Unreachable])], Crash("unreachable")),
    ("start-recursion", || vec![started(&[Instruction::Call(0)])], Limit("stack")),
    ("start-grows-memory", || vec![grows_memory()], Limit("memory")),
    ("start-grows-a-table", || vec![grows_a_table()], Limit("tables")),
    ("a-memory-of-4-gib", || vec![with_memory(memory(65_536))], Limit("memory")),
    (
        "a-memory-of-64-bits",
        || vec![with_memory(MemoryType { memory64: true, ..memory(1 << 20) })],
        Limit("memory"),
    ),
    (
        "a-shared-memory",
        || vec![with_memory(MemoryType { shared: true, maximum: Some(1), ..memory(1) })],
        Compile,
    ),
    (
        "many-memories",
        || (0..9).map(|_| with_memory(memory(1))).collect(),
        Limit("instances, memories and tables"),
    ),
    ("several-memories-together", || (0..4).map(|_| with_memory(memory(600))).collect(), Limit("memory")),
    ("a-table-of-4-billion", || vec![with_table(u32::MAX.into())], Limit("tables")),
    ("many-tables", || (0..17).map(|_| with_table(1)).collect(), Limit("instances, memories and tables")),
    ("data-outside-of-memory", || vec![data_at(70_000)], Crash("out of bounds")),
    ("elements-outside-of-the-table", || vec![elements_at(10)], Crash("out of bounds")),
    ("ten-thousand-types", || vec![types(10_000)], Harmless),
    ("two-million-types", || vec![types(2_000_000)], Compile),
    ("fifty-thousand-globals", || vec![globals(50_000)], Harmless),
    ("a-million-locals", || vec![function(&[(1_000_000, ValType::I64)], &[])], Compile),
    ("blocks-fifty-thousand-deep", || vec![nested_blocks(50_000)], Harmless),
    ("an-import-that-nobody-gives", || vec![importing()], Compile),
    ("a-body-of-another-type", || vec![function(&[], &[Instruction::I32Const(1)])], Compile),
    ("a-huge-section-of-nothing", || vec![custom(8 << 20)], Harmless),
];

#[tokio::test]
async fn every_hostile_module_is_refused_at_load_or_costs_its_own_call() {
    let limits =
        Limits { memory_bytes: 128 << 20, plan_time: Duration::from_millis(300), ..Limits::default() };
    let world = World::with(limits);
    let other = world.probe(EVERYTHING);
    let mut wrong = Vec::new();
    for (attack, modules, expected) in MODULES {
        let found = outcome(&world, &with_modules(&modules())).await;
        let right = match (&found, *expected) {
            (Found::Refused(LoadError::Compile(_)), Compile) => true,
            (Found::Called(Err(PluginError::Limit { limit, .. })), Limit(name)) => limit.ends_with(name),
            (Found::Called(Err(PluginError::Trap { message })), Crash(words)) => message.contains(words),
            (Found::Called(Ok(())), Harmless) => true,
            _ => false,
        };
        if !right {
            wrong.push(format!("{attack}: {expected:?}, not {found:?}"));
        }
        other.plan(&request(&[("do", "plan")])).await.unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[derive(Debug)]
enum Found {
    Refused(LoadError),
    Called(Result<(), PluginError>),
}

async fn outcome(world: &World, file: &Guest) -> Found {
    match world.load(file, NOTHING) {
        Ok(plugin) => Found::Called(plugin.plan(&request(&[])).await.map(drop)),
        Err(error) => Found::Refused(error),
    }
}

/// A component within a component, and so on: no stack of ours is used up by it.
#[tokio::test]
async fn components_that_nest_ten_thousand_deep_harm_nobody() {
    let mut component = wasm_encoder::Component::HEADER.to_vec();
    for _ in 1..10_000 {
        let mut outer = wasm_encoder::Component::HEADER.to_vec();
        nest(&component, &mut outer);
        component = outer;
    }
    let mut file = guest("probe");
    nest(&component, &mut file.bytes);
    let found = outcome(&World::new(), &file).await;
    assert!(matches!(found, Found::Called(Ok(()))), "{found:?}");
}

/// Appends a component to one that it stands in.
fn nest(component: &[u8], outer: &mut Vec<u8>) {
    const COMPONENT: u8 = 4;
    outer.push(COMPONENT);
    component.encode(outer);
}

#[tokio::test]
async fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let world = World::new();
    let whole = guest("probe");
    let mut refused = 0;
    for part in 0..64 {
        let mut file = guest("probe");
        file.bytes.truncate(whole.bytes.len() * part / 64);
        match outcome(&world, &file).await {
            // An end between two sections leaves a component that lacks its exports.
            Found::Refused(LoadError::Compile(_) | LoadError::Export { .. }) => refused += 1,
            other => panic!("{part}: {other:?}"),
        }
    }
    assert_eq!(refused, 64);
}

/// Bits flip at places that a fixed sequence of numbers names. Whatever is left of the plugin is refused, fails by value,
/// or still plans; nothing else happens.
#[tokio::test]
async fn a_file_with_flipped_bits_harms_nobody() {
    let limits =
        Limits { plan_time: Duration::from_millis(100), sleep_time: Duration::ZERO, ..Limits::default() };
    let world = World::start(limits, None, crate::world::DeviceKey(7));
    let other = world.probe(EVERYTHING);
    let (mut refused, mut called) = (0, 0);
    let mut number = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..FLIPS {
        let mut file = guest("evil-launcher");
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = u64::try_from(file.bytes.len()).unwrap() * 8;
        let bit = usize::try_from((number >> 16) % bits).unwrap();
        file.bytes[bit / 8] ^= 1 << (bit % 8);
        match outcome(&world, &file).await {
            Found::Refused(_) => refused += 1,
            Found::Called(_) => called += 1,
        }
    }
    other.plan(&request(&[("do", "plan")])).await.unwrap();
    assert!(refused > 0 && called > 0, "{refused} refused, {called} called");
}

/// Each takes a compilation; more are tried by the fuzzers.
const FLIPS: usize = 16;

#[test]
fn the_list_beside_the_guests_has_every_module() {
    let readme = include_str!("../../../../tests/guests/README.md");
    let missing: Vec<&str> = MODULES
        .iter()
        .map(|(attack, ..)| *attack)
        .filter(|attack| !readme.contains(&format!("| `{attack}` |")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Puts core modules into the probe, and an instance of each.
fn with_modules(modules: &[Module]) -> Guest {
    let mut file = guest("probe");
    let first = core_modules(&file.bytes);
    for (module, index) in modules.iter().zip(first..) {
        ModuleSection(module).append_to_component(&mut file.bytes);
        let mut instances = wasm_encoder::InstanceSection::new();
        let nothing: [(&str, wasm_encoder::ModuleArg); 0] = [];
        instances.instantiate(index, nothing);
        instances.append_to_component(&mut file.bytes);
    }
    file
}

/// Counts the core modules of a component.
fn core_modules(component: &[u8]) -> u32 {
    const CORE_MODULE: u8 = 1;
    let (mut modules, mut at) = (0, 8);
    while at < component.len() {
        modules += u32::from(component[at] == CORE_MODULE);
        let (mut length, mut shift) = (0, 0);
        loop {
            at += 1;
            length |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] & 0x80 == 0 {
                break;
            }
        }
        at += 1 + length;
    }
    modules
}

fn memory(pages: u64) -> MemoryType {
    MemoryType { minimum: pages, maximum: None, memory64: false, shared: false, page_size_log2: None }
}

fn with_memory(memory: MemoryType) -> Module {
    let mut module = Module::new();
    module.section(MemorySection::new().memory(memory));
    module
}

fn table(elements: u64) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: elements,
        maximum: None,
        shared: false,
    }
}

fn with_table(elements: u64) -> Module {
    let mut module = Module::new();
    module.section(TableSection::new().table(table(elements)));
    module
}

/// A module of one function, with what stands before and behind it.
fn function_among(
    before: impl FnOnce(&mut Module),
    behind: impl FnOnce(&mut Module),
    locals: &[(u32, ValType)],
    body: &[Instruction<'_>],
) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    before(&mut module);
    let mut code = CodeSection::new();
    let mut function = Function::new(locals.iter().copied());
    for instruction in body {
        function.instruction(instruction);
    }
    function.instruction(&Instruction::End);
    code.function(&function);
    module.section(&code);
    behind(&mut module);
    module
}

fn function(locals: &[(u32, ValType)], body: &[Instruction<'_>]) -> Module {
    function_among(|_| {}, |_| {}, locals, body)
}

/// A module that runs this when an instance of it is made.
fn started(body: &[Instruction<'_>]) -> Module {
    let start = |module: &mut Module| {
        module.section(&StartSection { function_index: 0 });
    };
    function_among(start, |_| {}, &[], body)
}

const AGAIN: [Instruction<'static>; 3] = [Instruction::Drop, Instruction::Br(0), Instruction::End];

fn grows_memory() -> Module {
    let before = |module: &mut Module| {
        module.section(MemorySection::new().memory(memory(1)));
        module.section(&StartSection { function_index: 0 });
    };
    let body = [Instruction::Loop(BlockType::Empty), Instruction::I32Const(16), Instruction::MemoryGrow(0)];
    function_among(before, |_| {}, &[], &[&body[..], &AGAIN].concat())
}

fn grows_a_table() -> Module {
    let before = |module: &mut Module| {
        module.section(TableSection::new().table(table(1)));
        module.section(&StartSection { function_index: 0 });
    };
    let body = [
        Instruction::Loop(BlockType::Empty),
        Instruction::RefNull(wasm_encoder::HeapType::FUNC),
        Instruction::I32Const(1000),
        Instruction::TableGrow(0),
    ];
    function_among(before, |_| {}, &[], &[&body[..], &AGAIN].concat())
}

fn data_at(offset: i32) -> Module {
    let mut module = with_memory(memory(1));
    module.section(DataSection::new().active(0, &ConstExpr::i32_const(offset), [1, 2, 3]));
    module
}

fn elements_at(offset: i32) -> Module {
    let before = |module: &mut Module| {
        module.section(TableSection::new().table(table(1)));
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(offset), Elements::Functions((&[0][..]).into()));
        module.section(&elements);
    };
    function_among(before, |_| {}, &[], &[])
}

fn types(count: u32) -> Module {
    let mut types = TypeSection::new();
    for number in 0..count {
        let parameters = (0..number % 7).map(|_| ValType::I64);
        types.ty().function(parameters, [ValType::I32]);
    }
    let mut module = Module::new();
    module.section(&types);
    module
}

fn globals(count: u32) -> Module {
    let mut globals = GlobalSection::new();
    let mut exports = ExportSection::new();
    for number in 0..count {
        let kind = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(kind, &ConstExpr::i32_const(0));
        exports.export(&format!("g{number}"), ExportKind::Global, number);
    }
    let mut module = Module::new();
    module.section(&globals).section(&exports);
    module
}

fn nested_blocks(depth: usize) -> Module {
    let mut body = vec![Instruction::Block(BlockType::Empty); depth];
    body.extend(std::iter::repeat_n(Instruction::End, depth));
    function(&[], &body)
}

fn importing() -> Module {
    let mut imports = ImportSection::new();
    imports.import("wasi_snapshot_preview1", "sock_open", EntityType::Memory(memory(1)));
    let mut module = Module::new();
    module.section(&imports);
    module
}

fn custom(bytes: usize) -> Module {
    let mut module = Module::new();
    module.section(&CustomSection { name: "nothing".into(), data: vec![0; bytes].into() });
    module
}
