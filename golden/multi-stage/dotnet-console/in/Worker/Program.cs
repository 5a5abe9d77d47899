using System.IO;

System.Console.WriteLine(File.ReadAllText("data/rules.json"));
