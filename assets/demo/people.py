"""The users and organisations of the demo."""

from assets.demo.exhibits import Person, Team

PEOPLE = (
    Person("linwz", "林晚舟", "做售后大模型，关心检索质量和延迟。云岭制造数字化部。", 420, "zh-hans"),
    Person("hezhiyuan", "何知远", "云鹤实验室，训练与对齐。业余观察时间序列。", 510, "zh-hans"),
    Person(
        "amara-okafor",
        "Amara Okafor",
        "Evaluation, documents and translation at Yunhe Lab. I review cards; ask me for a template.",
        380,
        "en",
    ),
    Person("chenjiahe", "陈嘉禾", "语音与图像。收集江南方言，也画水墨。", 300, "zh-hans"),
    Person(
        "jonas-weber", "Jonas Weber", "Small models for code and pictures. Maintains Harbor Code and Kestrel-VL in spare hours.", 260, "en"
    ),
)
TEAMS = (
    Team(
        "yunhe-lab", "云鹤实验室", "中英双语基座、对话与检索模型。开放权重，开放评测。",
        {"hezhiyuan": "OWNER", "amara-okafor": "MAINTAINER", "chenjiahe": "CONTRIBUTOR", "linwz": "READER"},
    ),
    Team(
        "yunling", "云岭制造", "轴承、主轴与控制系统。这里存放产线与售后的模型和数据。",
        {"linwz": "OWNER", "hezhiyuan": "MAINTAINER", "jonas-weber": "CONTRIBUTOR", "chenjiahe": "CONTRIBUTOR"},
    ),
)  # fmt: skip
