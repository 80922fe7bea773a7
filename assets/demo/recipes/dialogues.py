"""Rows of text: support dialogues, questions with answers, instructions, parallel sentences, code reviews."""

from datetime import UTC, datetime, timedelta
from random import Random

Rows = list[dict[str, object]]

_SCENES = {
    "故障报修": [
        (
            "主轴启动后有高频异响，报警 E204，上周刚换过轴承。",
            "请先断电。E204 是编码器反馈异常，先检查编码器插头是否松动，再看屏蔽层接地。",
            "设备异常",
        ),
        (
            "变频器频繁过流保护，负载没有变化。",
            "先记录故障时的电流与频率，再测电机三相绝缘；若绝缘正常，检查加速时间是否被改短。",
            "设备异常",
        ),
        ("控制柜断电后参数丢失，怎么恢复出厂设置？", "长按 MENU 5 秒进入维护页，选择“恢复出厂”，再把备份的参数文件导入。", "参数恢复"),
        ("伺服使能后电机抖动，静止时也有声音。", "多半是速度环增益偏高。请把增益降到 60%，再做一次自动整定。", "参数调整"),
        ("液压站温度一直在 65 度以上。", "请检查冷却水流量和回油过滤器压差，压差超过 0.3 MPa 时需要更换滤芯。", "设备异常"),
    ],
    "安装调试": [
        ("新到的编码器接线颜色和手册不一致。", "请以铭牌上的批次号为准，23 年以后的批次 A 相为绿色。我把新版接线图发给您。", "接线咨询"),
        ("两台设备并联后通讯地址冲突。", "请给第二台改站号：参数 P-08 设为 2，断电重启后生效。", "通讯"),
        ("导轨装好后手推有卡滞。", "先松开一侧滑块重新找平，两端高差应在 0.02 mm 以内，再按对角顺序拧紧。", "机械安装"),
    ],
    "配件咨询": [
        ("想确认 6204 轴承是否有低噪音版本。", "有，型号后缀 Z3V3，库存 120 套，可以随下次发货。", "选型"),
        ("急需三套密封圈，华东仓有现货吗？", "华东仓现有 5 套，下午四点前下单当天发出。", "库存"),
        ("旧型号的触摸屏停产了，用什么替代？", "可以用 HT-070B，安装孔一致，程序需要转换一次，我们提供工具。", "选型"),
    ],
    "保修政策": [
        ("设备过保两个月，这次维修怎么收费？", "过保一年内只收配件费，工时费减半。检测后我们先报价，您确认再修。", "费用"),
        ("延长保修最晚什么时候办？", "保修到期前 30 天内都可以办，续保价格按设备原价的 3% 一年计算。", "费用"),
    ],
    "使用咨询": [
        ("怎么把加工程序从旧机床转到新机床？", "在旧机床上导出为 NC 文件，新机床的文件页支持从 U 盘导入，注意核对刀具号。", "操作"),
        ("屏幕语言怎么切换成英文？", "设置、系统、语言，选择 English 后重启界面即可，参数不受影响。", "操作"),
    ],
}
_FOLLOW_UPS = [
    ("插头确实松了，重新插紧后报警消失，还有轻微声音。", "请空载运行十分钟并录一段音频，我们判断是不是轴承预紧不足。"),
    ("按您说的做了，暂时正常。", "好的，我们三天后回访。如果再次出现请保留报警记录。"),
    ("检查过了，没有发现问题。", "那请把设备序列号和软件版本发来，我安排工程师远程查看日志。"),
    ("大概多久能到现场？", "华东地区 24 小时内，其他地区 48 小时内，上门前会电话联系。"),
]


def support(seed: str, count: int) -> Rows:
    """Return support dialogues in Chinese with scene, intent and satisfaction."""
    random = Random(seed)
    start = datetime(2024, 3, 1, 8, tzinfo=UTC)
    rows: Rows = []
    for number in range(1, count + 1):
        scene = random.choices(list(_SCENES), [52, 18, 14, 6, 10])[0]
        question, answer, intent = random.choice(_SCENES[scene])
        turns = [("用户", question), ("客服", answer)]
        for said, replied in random.sample(_FOLLOW_UPS, random.randint(0, 3)):
            turns += [("用户", said), ("客服", replied)]
        rows.append(
            {
                "id": number, "scene": scene, "dialogue": "\n".join(f"{who}：{what}" for who, what in turns), "turns": len(turns), "intent": intent,
                "csat": None if random.random() < 0.041 else random.choice([2.0, 3.0, 3.5, 4.0, 4.5, 4.5, 5.0]),
                "created_at": f"{start + timedelta(minutes=number * 347 + random.randint(0, 200)):%Y-%m-%d %H:%M:%S}",
            }
        )  # fmt: skip
    return rows


def messages(rows: Rows) -> Rows:
    """Return support dialogues in the form that fine-tuning reads."""
    roles = {"用户": "user", "客服": "assistant"}
    found: Rows = []
    for row in rows:
        turns = [line.partition("：") for line in str(row["dialogue"]).split("\n")]
        found.append({"messages": [{"role": roles[who], "content": what} for who, _, what in turns], "scene": row["scene"]})
    return found


_CLINIC = [
    (
        "成人空腹血糖的正常范围是多少？",
        "What is the normal range of fasting blood glucose in adults?",
        "通常为 3.9 至 6.1 mmol/L，具体以化验单参考值为准。",
        "Usually 3.9 to 6.1 mmol/L; the reference range on the report decides.",
    ),
    (
        "量血压前需要注意什么？",
        "What should I mind before taking my blood pressure?",
        "静坐五分钟，半小时内不抽烟、不喝咖啡，手臂与心脏同高。",
        "Sit still for five minutes, no smoking or coffee for half an hour, arm at heart level.",
    ),
    (
        "阿司匹林可以和布洛芬一起吃吗？",
        "May aspirin be taken together with ibuprofen?",
        "两者同服会增加胃肠道出血风险，请先咨询医生或药师。",
        "Together they raise the risk of bleeding; ask a doctor or pharmacist first.",
    ),
    (
        "体检发现窦性心律不齐严重吗？",
        "Is sinus arrhythmia in a check-up serious?",
        "多与呼吸有关，年轻人常见；没有症状一般不需要治疗。",
        "It mostly follows breathing and is common in the young; without symptoms it rarely needs treatment.",
    ),
    (
        "打完流感疫苗多久起效？",
        "How soon does a flu vaccine work?",
        "约两周后产生足够抗体，建议在流行季前接种。",
        "Enough antibodies form in about two weeks, so get it before the season.",
    ),
    (
        "扭伤后先冷敷还是热敷？",
        "After a sprain: cold or heat first?",
        "48 小时内冷敷，每次十五分钟；之后再热敷。",
        "Cold for the first 48 hours, fifteen minutes at a time; heat afterwards.",
    ),
]
_DEPARTMENTS = ["全科", "心内科", "内分泌科", "骨科", "药学"]


def clinic(seed: str, count: int) -> Rows:
    """Return questions and answers of a surgery in two languages."""
    random = Random(seed)
    rows: Rows = []
    for number in range(1, count + 1):
        zh, en, answer_zh, answer_en = random.choice(_CLINIC)
        rows.append(
            {
                "id": f"cq-{number:05}", "department": random.choice(_DEPARTMENTS), "question_zh": zh, "question_en": en, "answer_zh": answer_zh,
                "answer_en": answer_en, "reviewed": random.random() < 0.9,
            }
        )  # fmt: skip
    return rows


_POLICIES = [
    ("办理居住证需要哪些材料？", "《居住证办理指南》第四条：申请人应提交身份证件、住所证明和近期照片。", "身份证件、住所证明、近期照片"),
    (
        "企业技改补贴最高多少？",
        "《技术改造专项资金管理办法》第九条：单个项目补助不超过设备投资额的百分之二十，最高五百万元。",
        "设备投资额的 20%，最高 500 万元",
    ),
    (
        "公积金贷款额度怎么算？",
        "《住房公积金贷款细则》第十二条：额度为账户余额的十五倍，且不超过当地上限。",
        "账户余额的 15 倍，不超过当地上限",
    ),
    ("个体户注销要公告吗？", "《登记管理实施细则》第二十一条：个体工商户申请注销登记，无需公告。", "不需要"),
    ("高新企业认定有效期几年？", "《高新技术企业认定管理办法》第九条：证书自颁发之日起有效期为三年。", "三年"),
]


def policies(seed: str, count: int) -> Rows:
    """Return questions with the passage that holds the answer and where the answer starts in it, or None where it is reworded."""
    random = Random(seed)
    rows: Rows = []
    for number in range(1, count + 1):
        question, passage, answer = random.choice(_POLICIES)
        start = passage.find(answer)
        rows.append(
            {"id": number, "question": question, "context": passage, "answer": answer, "answer_start": start if start >= 0 else None}
        )
    return rows


_INSTRUCTIONS = [
    (
        "把下面的句子翻译成英文。",
        "这台设备需要在开机前预热十分钟。",
        "The machine has to warm up for ten minutes before it is switched on.",
    ),
    (
        "Summarise the sentence in five words.",
        "The coolant pump stopped because its filter was blocked.",
        "Blocked filter stopped coolant pump.",
    ),
    ("用一句话解释什么是过拟合。", "", "模型记住了训练数据的细节，在新数据上反而表现变差。"),
    ("写一条提醒同事备份数据的消息。", "", "各位同事，今晚 22 点服务器升级，请在 20 点前备份好本地数据。"),
    ("Turn the list into JSON.", "name: valve, count: 3", '{"name": "valve", "count": 3}'),
    ("判断句子的情感。", "客服回复很快，问题当天就解决了。", "正面"),
    (
        "Write a Python function that returns the even numbers of a list.",
        "",
        "def even(numbers):\n    return [n for n in numbers if n % 2 == 0]",
    ),
    ("计算：一箱 24 瓶，7 箱共多少瓶？", "", "24 × 7 = 168，共 168 瓶。"),
]


def instructions(seed: str, count: int) -> Rows:
    """Return instruction records in Chinese and English."""
    random = Random(seed)
    rows: Rows = []
    for number in range(1, count + 1):
        instruction, given, output = random.choice(_INSTRUCTIONS)
        language = "en" if instruction.isascii() else "zh"
        rows.append(
            {
                "id": number,
                "instruction": instruction,
                "input": given,
                "output": output,
                "language": language,
                "quality": round(random.uniform(3.2, 5.0), 2),
            }
        )
    return rows


_CLAIMS = [
    (
        "一种用于{part}的{thing}，其特征在于，所述{thing}包括壳体和设于壳体内的{inner}。",
        "A {thing_en} for {part_en}, characterised in that the {thing_en} comprises a housing and {inner_en} arranged in the housing.",
    ),
    (
        "根据权利要求 {n} 所述的{thing}，其中所述{inner}与壳体可拆卸连接。",
        "The {thing_en} according to claim {n}, wherein {inner_en} is detachably connected to the housing.",
    ),
    (
        "所述{thing}还包括用于检测{part}温度的传感器。",
        "The {thing_en} further comprises a sensor for detecting the temperature of {part_en}.",
    ),
]
_PARTS = [
    ("电机", "an electric motor"),
    ("减速器", "a gear reducer"),
    ("注塑机", "an injection moulding machine"),
    ("电池组", "a battery pack"),
]
_THINGS = [
    ("冷却装置", "cooling device"),
    ("密封结构", "sealing structure"),
    ("锁紧机构", "locking mechanism"),
    ("润滑系统", "lubrication system"),
]
_INNERS = [("导流板", "a guide plate"), ("弹性件", "an elastic member"), ("换热管", "a heat exchange tube")]


def patents(seed: str, count: int) -> Rows:
    """Return parallel patent sentences, Chinese and English."""
    random = Random(seed)
    rows: Rows = []
    for number in range(1, count + 1):
        zh, en = random.choice(_CLAIMS)
        (part, part_en), (thing, thing_en), (inner, inner_en) = random.choice(_PARTS), random.choice(_THINGS), random.choice(_INNERS)
        words = {
            "part": part,
            "part_en": part_en,
            "thing": thing,
            "thing_en": thing_en,
            "inner": inner,
            "inner_en": inner_en,
            "n": random.randint(1, 9),
        }
        rows.append(
            {
                "id": f"pt-{number:05}",
                "zh": zh.format(**words),
                "en": en.format(**words),
                "section": random.choice(["claims", "description"]),
            }
        )
    return rows


_REVIEWS = [
    (
        "python",
        "for i in range(len(items)):\n    print(items[i])",
        "for item in items:\n    print(item)",
        "Iterate over the items themselves; the index is never used.",
    ),
    (
        "python",
        "def load(path):\n    return open(path).read()",
        "def load(path):\n    with open(path) as file:\n        return file.read()",
        "The file is never closed when reading fails.",
    ),
    ("go", "if err != nil {\n\treturn err\n}\nreturn nil", "return err", "Both branches return err."),
    ("typescript", "const n = parseInt(text)", "const n = Number.parseInt(text, 10)", "Without a radix, a leading 0x switches the base."),
    ("rust", "let name = s.clone().to_string();", "let name = s.to_string();", "to_string already allocates; the clone is a second copy."),
    (
        "sql",
        "SELECT * FROM orders WHERE YEAR(created) = 2026",
        "SELECT * FROM orders WHERE created >= '2026-01-01' AND created < '2027-01-01'",
        "A function on the column keeps the index from being used.",
    ),
]


def reviews(seed: str, count: int) -> Rows:
    """Return code before and after review, with the reviewer's reason."""
    random = Random(seed)
    rows: Rows = []
    for number in range(1, count + 1):
        language, before, after, reason = random.choice(_REVIEWS)
        rows.append(
            {"id": number, "language": language, "before": before, "after": after, "comment": reason, "accepted": random.random() < 0.86}
        )
    return rows
